"""The contract of a task head, the part that a plugin writes."""

import dataclasses
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

import keras

from keras_bert_zoo import features as names
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.errors import InputError


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """A named tensor of a head's signature.

    `shape` starts with the batch, `None`; a further `None` is a length that
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
    """A batch of examples, tokenized and not yet padded.

    Attributes:
        inputs: dict of int32 `RaggedTensor` `(B, None)`: `token_ids` and
            `segment_ids`.
        labels: what the losses take, or `None`.
        weights: float32 `(B,)` weights of the examples, or `None`.
        num_truncated: int32 `(B,)`, tokens that did not fit, per example.
    """

    inputs: dict
    labels: Any
    weights: Any
    num_truncated: Any


class TaskHead:
    """What turns an encoder into a model for one task.

    A head describes data, layers, losses and answers. It has no training
    step: the Keras trainer runs it. Subclasses set `name` and override the
    methods below; `keras_bert_zoo.testing.check_head` holds a head against
    this contract.
    """

    name: str = ""
    text_fields: tuple[str, ...] = ("text",)
    label_fields: tuple[str, ...] = ("label",)

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Returns the constructor's options that suit a command line."""
        return ()

    @classmethod
    def from_rows(cls, rows: Iterable, **options) -> "TaskHead":
        """Makes a head for these rows, with the labels found in them.

        Args:
            rows: rows with `values` and `origin`, re-iterable.
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
        """Checks one row and returns its fields as plain values.

        Args:
            values: the row, by field name.
            with_label: bool. Whether label fields are read too.

        Returns:
            dict with a `str` for each text field and, with `with_label`, a
            number (or a list, or a NumPy array) for each label field.

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

    def example_spec(self, with_label: bool) -> dict:
        """Returns name -> `(dtype, shape)` of what `example` returns."""
        return {field: ("string", ()) for field in self.text_fields}

    def features(
        self, examples: Mapping[str, Any], tokenizer, sequence_length: int
    ) -> Features:
        """Tokenizes and packs a batch, in ops that run inside a graph.

        Args:
            examples: tensors `(B, ...)`, by field name.
            tokenizer: something with `tokenize(texts)` and `vocabulary`.
            sequence_length: int. Most tokens in a sequence.
        """
        from keras_bert_zoo.tokenization.packing import pack

        vocabulary = tokenizer.vocabulary
        packed = pack(
            [tokenizer.tokenize(examples[field]) for field in self.text_fields],
            sequence_length=sequence_length,
            start_id=vocabulary.start_id,
            separator_id=vocabulary.separator_id,
        )
        labeled = all(field in examples for field in self.label_fields)
        return Features(
            {
                names.TOKEN_IDS: packed.token_ids,
                names.SEGMENT_IDS: packed.segment_ids,
            },
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
        """Returns a model from the encoder's inputs to float32 logits."""
        raise NotImplementedError

    def losses(self):
        """Returns what `compile(loss=...)` takes."""
        raise NotImplementedError

    def metrics(self) -> list:
        """Returns new metric objects for `compile(metrics=...)`."""
        return []

    def decode(self, logits) -> dict:
        """Turns logits into named answers, in ops of a serving graph."""
        raise NotImplementedError

    def answers(self, decoded: Mapping[str, Any]) -> list[dict]:
        """Turns decoded NumPy arrays into one readable dict per example."""
        raise NotImplementedError

    def signature(self) -> Signature:
        """Returns names, types, shapes and meanings for deployment.

        Inputs are the text fields; outputs are what `decode` returns.
        """
        raise NotImplementedError

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

    def get_weights(self, model: keras.Model) -> HeadWeights:
        """Returns the trained head of a model that `build` returned."""
        raise InputError(
            f"The head {self.name!r} does not give its weights to "
            "checkpoints. Save a preset instead."
        )


def encode(
    encoder: keras.Model, inputs: Mapping[str, Any], output: str
) -> keras.KerasTensor:
    """Calls an encoder as part of a head's model.

    Layers that the output does not need, such as the pooler of a head that
    reads `sequence_output`, are neither run nor trained. A frozen encoder
    (`encoder.trainable = False`) runs without dropout, so that its output is
    a fixed feature of the text.

    Args:
        encoder: a functional model.
        inputs: the encoder's inputs, by name.
        output: name of one of the encoder's outputs.
    """
    part = keras.Model(encoder.input, encoder.output[output], name="encoder")
    if not encoder.trainable:
        return _Frozen(part, name="frozen_encoder")(inputs)
    used = {id(layer) for layer in part.layers}
    for layer in encoder.layers:
        if id(layer) not in used:
            layer.trainable = False
    return part(inputs)


class _Frozen(keras.layers.Layer):
    """Runs an encoder as in inference, even while the head is trained."""

    def __init__(self, encoder: keras.Model, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder

    def call(self, inputs):
        return self.encoder(inputs, training=False)

    def compute_output_spec(self, inputs):
        return self.encoder.compute_output_spec(inputs)
