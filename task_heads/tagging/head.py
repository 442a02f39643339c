"""A tag for each word of a text, and the spans that the tags spell."""

import os
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.data import Examples
from keras_bert_zoo.data.examples import UnseenLabel
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import Dropout
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import Option
from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task import encode
from keras_bert_zoo.task import is_new
from keras_bert_zoo.task import log_frequencies
from keras_bert_zoo.training.losses import WeightedMean
from task_heads.tagging import labels as tag_labels
from task_heads.tagging.alignment import alignment_warnings
from task_heads.tagging.decoding import SpanReader
from task_heads.tagging.decoding import decode_words
from task_heads.tagging.decoding import outputs
from task_heads.tagging.decoding import word_answers
from task_heads.tagging.examples import count_labels
from task_heads.tagging.examples import spans_of
from task_heads.tagging.examples import tagging_example
from task_heads.tagging.examples import tags_of
from task_heads.tagging.features import tagging_features
from task_heads.tagging.files import TaggedFile
from task_heads.tagging.files import plain_texts
from task_heads.tagging.labels import LabelSet
from task_heads.tagging.metrics import SpanF1
from task_heads.tagging.metrics import WordAccuracy
from task_heads.tagging.outputs import CrfOutput
from task_heads.tagging.outputs import SoftmaxOutput
from task_heads.tagging.schemes import OUTSIDE
from task_heads.tagging.schemes import SCHEMES
from task_heads.tagging.schemes import count_invalid
from task_heads.tagging.scores import is_right
from task_heads.tagging.scores import score_examples
from task_heads.tagging.scores import tag_tables


class TaggingHead(TaskHead):
    """Tags words: named entities, parts of speech, chunks, slots.

    Learns and scores each word by its first token. A text that is too long
    becomes several sequences that overlap; each word is read where it has
    most context, and none is lost.

    Examples hold `tokens` and `tags` (lists), or `text` and `spans` (of
    `(start, end, label)` in characters). Texts of `tokens` are joined by
    single spaces.

    Args:
        labels: list of str. Tags in the order of the logits: `O`, and `B-`
            and `I-` of each type; or any, where `scheme` is `none`. A
            published head may spell spans otherwise (`E-` and `S-`, `L-` and
            `U-`, `I-` alone) and is trained and scored so.
        scheme: str. How the tags of the data spell spans: `IOB1`, `IOB2`,
            `IOBES` (BILOU too), or `none` for tags without prefixes.
        strict: bool. Whether tags that break the scheme raise an error in
            examples and count in predictions as in seqeval's strict mode; else
            they are read as by seqeval's default mode and by conlleval.
        dropout: float in [0, 1), before the last projection.
        crf: bool. Whether the tags of a text are learned and decoded as a
            whole, by a linear-chain conditional random field (CRF), rather than
            word by word.

    Logits: `(R, S, L)` float32; with `crf`, potentials `(R, S, L + 1, L)`,
    see `crf_output`.

    Raises:
        InputError: if an option breaks a rule.

    Source: Devlin et al., 2019 (arXiv:1810.04805), section 5.3.
    """

    name = "tagging"
    label_fields = ("tags",)
    other_fields = ("tokens", "spans")
    splits_texts = True
    scored_metrics = {"accuracy": "token_accuracy", "f1": "micro.f1"}

    def __init__(
        self,
        labels: Sequence[str] | None = None,
        scheme: str = "IOB2",
        strict: bool = False,
        dropout: float = 0.1,
        crf: bool = False,
    ):
        self.labels_by_index = tag_labels.checked(labels, scheme)
        self.scheme = scheme
        self.strict = arguments.flag("strict", strict)
        self.dropout = arguments.dropout(dropout)
        self.crf = arguments.flag("crf", crf)
        self._output = CrfOutput() if self.crf else SoftmaxOutput()
        self._reader = SpanReader(self.labels_by_index, scheme)
        self._labels = LabelSet(self.labels_by_index, scheme != "none")
        self._outside = self._labels.ids.get(OUTSIDE, 0)

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option(
                "scheme",
                str,
                None,
                "tagging scheme (default: detected)",
                SCHEMES,
            ),
            Option("strict", bool, False, "refuse tags that break the scheme"),
            Option("dropout", float, 0.1, "dropout before the logits"),
            Option(
                "crf",
                bool,
                False,
                "score which tags follow each other, with a conditional random "
                "field",
            ),
        )

    @classmethod
    def read_file(
        cls,
        path: str | os.PathLike,
        columns: Mapping[str, str | int | None],
        format: str | None = None,
    ) -> Examples:
        if "tags" not in columns:
            texts = plain_texts(path, columns.get("text"), format)
            if texts is not None:
                return texts
        named = {
            field: int(c) if isinstance(c, str) and c.isdecimal() else c
            for field, c in columns.items()
            if c is not None
        }
        examples = TaggedFile(path, format, named or None)
        if "tags" in columns or examples.format == "jsonl":
            return examples
        usual = 1 if examples.format == "conllu" else 0
        return TaggedFile(path, format, {"text": named.get("text", usual)})

    @classmethod
    def from_examples(cls, examples: Iterable, **options) -> "TaggingHead":
        """Makes a head with the scheme and the labels of the examples.

        Args:
            examples: examples with `values` and `origin`.
            **options: constructor arguments.
        """
        found_labels = tag_labels.find_labels(
            examples, options.get("scheme"), options.get("strict", False)
        )
        options["scheme"] = found_labels.scheme
        options.setdefault("labels", found_labels.labels)
        return cls(**options)

    def get_config(self) -> dict:
        return {
            "labels": self.labels_by_index,
            "scheme": self.scheme,
            "strict": self.strict,
            "dropout": self.dropout,
            "crf": self.crf,
        }

    def example(self, values: Mapping[str, Any], with_label: bool) -> dict:
        return tagging_example(
            values,
            with_label,
            lambda tags: tag_labels.parse_tags(
                tags, self.scheme, self._labels, self.strict
            ),
            self._labels.types,
            self.labels_by_index,
        )

    def mark_unseen(self, values: Mapping[str, Any]) -> tuple[dict, list[str]]:
        tags = tags_of(values)
        if tags is not None:
            marked = tag_labels.mark_unseen(tags, self.scheme, self._labels)
            unseen = [tag for tag in marked if isinstance(tag, UnseenLabel)]
            return {**values, "tags": marked}, unseen
        types = self._labels.types
        spans = [
            (start, end, name if name in types else UnseenLabel(name))
            for start, end, name in spans_of(values)
        ]
        unseen = [name for *_, name in spans if isinstance(name, UnseenLabel)]
        return {**values, "spans": spans}, unseen

    def remark(self, values: Mapping[str, Any]) -> str | None:
        tags = tags_of(values) or []
        if not count_invalid(tags, self.scheme):
            return None
        return (
            f"tags break the scheme {self.scheme}, and are read as seqeval "
            "and conlleval read them"
        )

    def example_warnings(self, examples: Iterable, tokenizer) -> list[str]:
        return alignment_warnings(examples, tokenizer)

    def example_spec(self, with_label: bool) -> dict:
        numbers = ("int32", (None,))
        spec = {"text": ("string", ()), "word_starts": numbers}
        if with_label:
            fields = ("tags", "span_starts", "span_ends", "span_types")
            spec |= dict.fromkeys(fields, numbers)
        return spec

    def features(
        self, examples: Mapping[str, Any], tokenizer, sequence_length: int
    ) -> Features:
        return tagging_features(
            examples,
            tokenizer,
            sequence_length,
            tf.constant(self._labels.ids_in_spans()),
            self._outside,
        )

    def build(self, encoder: keras.Model) -> keras.Model:
        inputs = encoder.input
        sequence = encode(encoder, inputs, feature_names.SEQUENCE_OUTPUT)
        sequence = Dropout(self.dropout, name="head_dropout")(sequence)
        logits = keras.layers.Dense(
            len(self.labels_by_index),
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype="float32",
            name="logits",
        )(sequence)
        return keras.Model(inputs, self._output.build(logits))

    def adapt(self, model: keras.Model, examples: Iterable, tokenizer) -> None:
        logits = model.get_layer("logits")
        if is_new(logits):
            counts = count_labels(
                (self.example(example.values, True) for example in examples),
                self._labels.ids_in_spans(),
                self._outside,
            )
            counts = [counts[label] for label in range(logits.units)]
            logits.bias.assign(log_frequencies(counts))

    def losses(self) -> keras.losses.Loss:
        return WeightedMean(self._output.loss(), divisor="mean_batch")

    def weighted_metrics(self) -> list:
        if self.scheme == "none":
            return [WordAccuracy()]
        return [SpanF1(self.labels_by_index, self.scheme), WordAccuracy()]

    def decode(self, logits) -> dict:
        return self._output.read_tokens(logits)

    def decode_texts(self, logits, context: Mapping[str, Any]) -> dict:
        return decode_words(
            logits,
            context,
            self.labels_by_index,
            self._output.read_words,
            self._reader,
            self._outside,
        )

    def answers(self, decoded: Mapping[str, Any]) -> list[dict]:
        return word_answers(decoded)

    def score(self, examples: Iterable, answers: Iterable[dict]) -> dict:
        return score_examples(
            examples, answers, self.scheme, self._labels, self.strict
        )

    def guess(
        self, examples: Iterable, measures: Mapping[str, float]
    ) -> str | None:
        return "no span" if measures.get("f1", 1.0) == 0 else None

    def is_right(self, values: Mapping[str, Any], answer: dict) -> bool:
        """Returns whether an answer has exactly the spans of its example."""
        return is_right(values, answer, self.scheme, self._labels, self.strict)

    def report_tables(
        self, examples: Iterable, answers: Iterable[dict]
    ) -> list:
        return tag_tables(
            examples, answers, self.scheme, self._labels, self.strict
        )

    def signature(self) -> Signature:
        return Signature(
            (TensorInfo("text", "string", (None,), "the text"),), outputs()
        )

    def logits_signature(self) -> tuple[TensorInfo, ...]:
        return (self._output.signature(self.labels_by_index),)

    def token_outputs(self) -> tuple[TensorInfo, ...]:
        return self._output.token_outputs()

    @classmethod
    def from_weights(cls, weights: HeadWeights) -> "TaggingHead":
        labels = list(weights.labels)
        return cls(labels=labels, scheme=tag_labels.scheme_of(labels))

    def set_weights(self, model: keras.Model, weights: HeadWeights) -> None:
        values = [weights.weights[name] for name in ("kernel", "bias")]
        num_labels = len(self.labels_by_index)
        if values[0].shape[-1] != num_labels:
            raise InputError(
                "A checkpoint's head must have a row for each label. "
                f"Received: {values[0].shape[-1]} rows, {num_labels} labels. "
                "Give the labels that it was trained with, in their order."
            )
        model.get_layer("logits").set_weights(values)

    def get_weights(self, model: keras.Model) -> HeadWeights | None:
        # Published taggers have no scores of neighbouring tags.
        if self.crf:
            return None
        kernel, bias = model.get_layer("logits").get_weights()
        return HeadWeights(
            self.name,
            list(self.labels_by_index),
            {"kernel": np.asarray(kernel), "bias": np.asarray(bias)},
            {},
        )
