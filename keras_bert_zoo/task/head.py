"""The contract of a task head, the part that a plugin writes.

Beside it stand functions for `TaskHead.adapt`: a new head begins at the
frequencies of its labels.
"""

import dataclasses
import os
import types
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import keras
import numpy as np

from keras_bert_zoo import feature_names
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.data import Examples
from keras_bert_zoo.data import FileExamples
from keras_bert_zoo.data.readers.text_lines import TextLines
from keras_bert_zoo.errors import InputError


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """A named tensor of a head's signature.

    `shape` starts with the batch, `None`; another `None` is a length that
    varies.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]
    meaning: str


@dataclasses.dataclass(frozen=True)
class Signature:
    """What a deployed model takes and returns."""

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclasses.dataclass(frozen=True)
class Option:
    """An option of a head that the command line offers as a flag.

    `type` is `str`, `int`, `float` or `bool`; `choices` limits a `str`.
    """

    name: str
    type: type
    default: Any
    help: str
    choices: tuple[str, ...] | None = None


class Features(NamedTuple):
    """A batch of `B` examples as `R` sequences, tokenized, not yet padded.

    Attributes:
        inputs: dict of int32 `RaggedTensor` `(R, None)`: what the tokenizer
            packed, and what `TaskHead.token_inputs` names.
        labels: what the losses take, or `None`.
        weights: float32 weights in the loss, `(R,)` or as long as the
            labels, or `None`.
        num_truncated: int32 `(B,)`, tokens that did not fit, per example.
        num_sequences: int64 `(B,)`, sequences of each example, in order; or
            `None` where each example is one.
        context: dict of tensors `(B, ...)`, dense or ragged, that
            `decode_texts` needs beside the logits, or `None`.
        constants: dict of tensors that it needs and that are the same for
            all examples, such as the vocabulary's tokens, or `None`.
    """

    inputs: dict
    labels: Any
    weights: Any
    num_truncated: Any
    num_sequences: Any = None
    context: Any = None
    constants: Any = None

    def decoding_context(self) -> dict:
        """Returns what `decode_texts` takes beside the logits."""
        context = {**(self.context or {}), **(self.constants or {})}
        if self.num_sequences is not None:
            context[feature_names.NUM_SEQUENCES] = self.num_sequences
        return context


class TaskHead:
    """A task on top of an encoder: data, layers, losses and answers.

    A head describes data, layers, losses and answers. It has no training
    step: the Keras trainer runs it. Subclasses set `name` and override the
    methods below; `keras_bert_zoo.testing.check_head` holds a head against
    this contract.
    """

    name: str = ""
    text_fields: tuple[str, ...] = ("text",)
    label_fields: tuple[str, ...] = ("label",)
    # Fields that an example may have in place of these.
    other_fields: tuple[str, ...] = ()
    # Whether a text that is too long becomes several sequences.
    splits_texts: bool = False
    # Whether training batches hold texts of less like lengths, which costs
    # padding: for heads whose labels go with length, so that batches of one
    # length pull all weights one way.
    mixes_lengths: bool = False
    # Which texts are counted as truncated, for messages.
    truncated: str = "texts, longer than {length} tokens"
    # Whether a new head starts from the weights that a preset brings for it:
    # for heads whose weights mean the same whatever the labels.
    reuses_weights: bool = False
    # Which part of a `score` decides the best epoch, higher being better: the
    # first of these that it has, known as the last. If empty, metrics decide.
    epoch_scores: tuple[str, ...] = ()
    # Which metrics `score` measures, too: name -> its path there, such as
    # `micro.f1`. Where both are equal, people are shown the latter alone.
    scored_metrics: Mapping[str, str] = types.MappingProxyType({})
    # Updates of the weights that few examples need, and the most passes over
    # them that do not harm: for runs that name no number of epochs.
    enough_steps: int = 100
    most_epochs: int = 20
    # Upper bound of the default learning rate. Turc et al., 2019
    # (arXiv:1908.08962), tried no higher one on small encoders.
    highest_rate: float = 3e-4

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Returns the constructor's options that suit a command line."""
        return ()

    @classmethod
    def read_file(
        cls,
        path: str | os.PathLike,
        columns: Mapping[str, str | int | None],
        format: str | None = None,
    ) -> Examples:
        """Returns the examples of a file in one of the task's formats.

        Where a text is all that is read, a `.txt` file has one on each line.

        Args:
            path: the file.
            columns: field name -> column's name or number, or `None` for the
                usual one.
            format: name of a format, such as `lines` for that, or `None` to go
                by the file's name.

        Raises:
            InputError: if the format is unknown or does not suit `columns`.
        """
        is_plain = os.fspath(path).removesuffix(".gz").endswith(".txt")
        if set(columns) == {"text"} and (
            format == "lines" or (format is None and is_plain)
        ):
            return TextLines(path)
        usual = {field: field for field in columns}
        named = {k: v for k, v in columns.items() if v is not None}
        return FileExamples(path, {**usual, **named}, format)

    @classmethod
    def from_examples(cls, examples: Iterable, **options) -> "TaskHead":
        """Makes a head for these examples, with the labels found in them.

        Args:
            examples: examples with `values` and `origin`, re-iterable.
            **options: constructor arguments.
        """
        return cls(**options)

    def get_config(self) -> dict:
        """Returns the constructor's arguments, JSON-able."""
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "TaskHead":
        return cls(**config)

    def example(self, values: Mapping[str, Any], with_label: bool) -> dict:
        """Checks one example and returns its fields as plain values.

        Args:
            values: the example, by field name.
            with_label: bool. Whether label fields are read too.

        Returns:
            dict of what `example_spec` names: a `str` for each text field
            and, with `with_label`, a number (or a list, or a NumPy array)
            for each label field.

        Raises:
            InputError: if a field is missing or its value is not allowed.
        """
        example = {}
        for field in self.text_fields:
            value = values.get(field)
            if not isinstance(value, str):
                raise InputError(
                    f"{field!r} must be a text. Received: {value!r} of type "
                    f"{type(value).__name__}. Turn it into a string."
                )
            example[field] = value
        return example

    def mark_unseen(self, values: Mapping[str, Any]) -> tuple[dict, list[str]]:
        """Marks labels of an example that this head does not know.

        So that it can be scored: nothing is learned from it.

        Args:
            values: the example, by field name.

        Returns:
            The same, with `UnseenLabel`s in place of such labels; and their
            names.
        """
        return dict(values), []

    def remark(self, values: Mapping[str, Any]) -> str | None:
        """Returns why an example teaches less than it says, or `None`."""
        return None

    def example_warnings(self, examples: Iterable, tokenizer) -> list[str]:
        """Returns warnings of what examples say that tokens cannot.

        `fit` and `evaluate` log them, once, before they begin. What an example
        shows by itself is for `remark`. The examples are labelled, and checked.
        """
        return []

    def example_spec(self, with_label: bool) -> dict:
        """Returns name -> `(dtype, shape)` of what `example` returns.

        A shape is `()`, one of numbers, or `(None,)` for a list of numbers
        whose length varies from example to example.
        """
        return {field: ("string", ()) for field in self.text_fields}

    def features(
        self, examples: Mapping[str, Any], tokenizer, sequence_length: int
    ) -> Features:
        """Tokenizes and packs a batch, in ops that run inside a graph.

        Args:
            examples: tensors `(B, ...)`, by field name, ragged where a
                list's length varies; in an export, the text fields alone.
                To train and to evaluate, `random_seed` too, int64 `(2,)`:
                for stateless random operations. Training passes differ in
                it; evaluation repeats it.
            tokenizer: `Tokenizer`.
            sequence_length: int. Maximum number of tokens in a sequence.
        """
        packed = tokenizer.pack(
            [tokenizer.tokenize(examples[field]) for field in self.text_fields],
            sequence_length,
        )
        marks = self.label_fields or (feature_names.RANDOM_SEED,)
        labeled = all(field in examples for field in marks)
        return Features(
            packed.inputs,
            self.labels(examples) if labeled else None,
            self.example_weights(examples) if labeled else None,
            packed.num_truncated,
        )

    def labels(self, examples: Mapping[str, Any]):
        """Returns what the losses take, from the label fields of a batch."""
        return examples[self.label_fields[0]]

    def example_weights(self, examples: Mapping[str, Any]):
        """Returns float32 `(B,)` weights in the loss, or `None`."""
        return None

    def build(self, encoder: keras.Model) -> keras.Model:
        """Returns a model from the encoder's inputs to float32 logits.

        It may have the inputs that `token_inputs` describes, too.
        """
        raise NotImplementedError

    def adapt(self, model: keras.Model, examples: Iterable, tokenizer) -> None:
        """Initializes an untrained head from the frequencies of the labels.

        `fit` calls it before the first step. A head whose weights were
        trained or loaded (see `is_new`) stays as it is.

        Args:
            model: what `build` returned, or a model of its layers.
            examples: labelled examples with `values` and `origin`, all in
                order.
            tokenizer: the model's.
        """

    def losses(self):
        """Returns what `compile(loss=...)` takes.

        A mean over words is best a `training.losses.WeightedMean`, which is
        reported as the mean over all of them; with `divisor="mean_batch"`
        each weighs the same in every batch.
        """
        raise NotImplementedError

    def metrics(self):
        """Returns new metric objects for `compile(metrics=...)`.

        A list or, where the model has several outputs, a dict by output.
        """
        return []

    def weighted_metrics(self):
        """Returns new metrics that are weighted as the loss is."""
        return []

    def decode(self, logits) -> dict:
        """Turns logits into named answers, in ops of a serving graph.

        This sees sequences and no texts; `decode_texts` sees both.
        """
        raise NotImplementedError

    def decode_texts(self, logits, context: Mapping[str, Any]) -> dict:
        """Turns the logits of whole examples into named answers.

        Args:
            logits: the model's output for `R` sequences, as `decode`.
            context: `Features.context` of the `B` examples, the
                `constants` and, where texts are split, `num_sequences`.

        Returns:
            dict of tensors `(B, ...)`, in ops of a serving graph.
        """
        return self.decode(logits)

    def answers(self, decoded: Mapping[str, Any]) -> list[dict]:
        """Turns decoded NumPy arrays into one readable dict per example."""
        raise NotImplementedError

    def score(self, examples: Iterable, answers: Iterable[dict]) -> dict:
        """Measures answers against labelled examples, beyond `metrics`.

        Args:
            examples: examples with `values` and `origin`.
            answers: one of `answers` for each example, in order.

        Returns:
            dict of measures, JSON-able; empty where the metrics say all.
        """
        return {}

    def guess(
        self, examples: Iterable, measures: Mapping[str, float]
    ) -> str | None:
        """Returns the baseline that a model does not beat, or `None`.

        A baseline reads no text, such as the most frequent label.

        Args:
            examples: labelled examples with `values` and `origin`.
            measures: the model's metrics on these examples, by name.
        """
        return None

    def tune(self, examples: Iterable, answers: Iterable[dict]) -> dict:
        """Chooses options, such as a threshold, on held-out examples.

        Args:
            examples: labelled examples with `values` and `origin`.
            answers: one of `answers` for each example, in order.

        Returns:
            dict of the options chosen, such as a threshold.
        """
        return {}

    def signature(self) -> Signature:
        """Returns names, types, shapes and meanings for deployment.

        Inputs are the text fields; outputs are what `decode_texts` returns.
        """
        raise NotImplementedError

    def token_inputs(self) -> tuple[TensorInfo, ...]:
        """Returns the description of the model's inputs beside the encoder's.

        Each is int32 `(None, None)`, as long as it needs, padded with 0.
        """
        return ()

    def extra_length(self, sequence_length: int) -> int:
        """Returns the maximum length of `token_inputs` and of labels.

        Where shapes are fixed, they are padded to it.
        """
        return sequence_length

    def token_outputs(self) -> tuple[TensorInfo, ...]:
        """Returns the description of what `decode` returns."""
        return self.signature().outputs

    def logits_signature(self) -> tuple[TensorInfo, ...]:
        """Returns the description of the model's raw output."""
        raise NotImplementedError

    @classmethod
    def from_weights(cls, weights: HeadWeights) -> "TaskHead":
        """Makes the head that a checkpoint's weights belong to."""
        raise InputError(
            f"The head {cls.name!r} does not read weights from checkpoints."
        )

    def set_weights(self, model: keras.Model, weights: HeadWeights) -> None:
        """Copies a checkpoint's head into a model that `build` returned."""
        raise InputError(
            f"The head {self.name!r} does not read weights from checkpoints."
        )

    def get_weights(self, model: keras.Model) -> HeadWeights | None:
        """Returns the trained head of a model in its published form.

        `None` where there is none that gives the same outputs; the head's
        variables are saved under names of their own.
        """
        return None


def is_new(layer: keras.layers.Layer) -> bool:
    """Returns whether a layer's bias is still as initialized: zeros."""
    return not np.any(keras.ops.convert_to_numpy(layer.bias))


def log_frequencies(
    counts: Sequence[float], prior_count: float = 1.0
) -> np.ndarray:
    """Returns logits whose softmax is the frequencies, float32 `(L,)`.

    Args:
        counts: number of times each of `L` labels occurs, or the sum of its
            weights.
        prior_count: float. Added to each count, so that no label has
            probability 0.
    """
    counts = np.asarray(counts, "float64") + prior_count
    return np.log(counts / counts.sum()).astype("float32")


def log_odds(counts: Sequence[float], total: float) -> np.ndarray:
    """Returns logits whose sigmoid is the frequencies, float32 `(L,)`.

    Args:
        counts: number of the `total` examples that have each of `L` labels.
        total: number of examples.
    """
    counts = np.asarray(counts, "float64")
    odds = (counts + 1.0) / (total - counts + 1.0)
    return np.log(odds).astype("float32")
