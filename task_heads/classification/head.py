"""Labels, or a score, for a text or a pair of texts."""

import collections
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import Dropout
from keras_bert_zoo.task import Option
from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task import is_new
from keras_bert_zoo.task import log_frequencies
from keras_bert_zoo.task import log_odds
from task_heads.classification import labels as class_labels
from task_heads.classification.labels import KINDS
from task_heads.classification.layers import POOLINGS
from task_heads.classification.layers import ScoreScale
from task_heads.classification.layers import pooled
from task_heads.classification.losses import Crossentropy
from task_heads.classification.losses import SmoothedCrossentropy
from task_heads.classification.metrics import spearman_correlation
from task_heads.classification.tables import label_tables


class ClassificationHead(TaskHead):
    """Classifies, tags with several labels, or scores a text or a pair.

    Args:
        labels: list of str. Names in the order of the logits; none for
            `kind="regression"`.
        kind: str. `single_label` (one label each), `multi_label` (any
            number: a list, or names joined by `|`) or `regression` (one
            score).
        text_pair: bool. Whether an example is two texts.
        pooling: str or `None`. `cls` (the encoder's pooled output), `mean` or
            `max` over real tokens; `None` for what the encoder was trained
            with, else `cls`.
        dropout: float in [0, 1), before the last projection.
        class_weights: dict from label to weight in the loss, or `None`; for
            `kind="single_label"`.
        label_smoothing: float in [0, 1). Probability that the loss takes from
            the right label and spreads evenly over all; not for regression.
        soft_labels: bool. Whether an example has a probability for each label:
            a list of them, or a dict by names; for `kind="single_label"`. The
            loss is the cross-entropy with them; metrics use the argmax.
        label_separator: str. What stands between several labels in a text.

    Logits: `(B, L)` float32, or `(B,)` for regression.

    Raises:
        InputError: if an option breaks a rule.

    Source: Devlin et al., 2019 (arXiv:1810.04805), section 4.1.
    """

    name = "classification"

    def __init__(
        self,
        labels: Sequence[str] | None = None,
        kind: str = "single_label",
        text_pair: bool = False,
        pooling: str | None = None,
        dropout: float = 0.1,
        class_weights: Mapping[str, float] | None = None,
        label_smoothing: float = 0.0,
        soft_labels: bool = False,
        label_separator: str = class_labels.SEPARATOR,
    ):
        if kind not in KINDS or pooling not in (None, *POOLINGS):
            raise InputError(
                f"`kind` must be one of {', '.join(KINDS)} and `pooling` None "
                f"or one of {', '.join(POOLINGS)}. Received: kind={kind!r}, "
                f"pooling={pooling!r}."
            )
        self.labels_by_index = class_labels.checked(labels, kind)
        self.kind = kind
        # On STS-B a batch of one length has another mean score than the next.
        self.mixes_lengths = kind == "regression"
        if kind == "single_label" and len(self.labels_by_index) == 2:
            # More make it sure of what it has seen, and no better (SST-2). In
            # 50 pairs it finds nothing that holds for others (MRPC).
            self.enough_steps, self.most_epochs = 48, 3 if text_pair else 8
        self.text_pair = arguments.flag("text_pair", text_pair)
        self.pooling = pooling
        self.dropout = arguments.dropout(dropout)
        self.class_weights = class_labels.checked_weights(
            class_weights, self.labels_by_index, kind
        )
        self.label_smoothing = class_labels.checked_smoothing(
            label_smoothing, kind
        )
        self.soft_labels = class_labels.checked_soft(soft_labels, kind)
        self.label_separator = class_labels.checked_separator(label_separator)
        self.text_fields = ("text", "text_pair") if text_pair else ("text",)

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option(
                "kind",
                str,
                "single_label",
                "one label; several, joined in TSV and CSV; or a score",
                KINDS,
            ),
            Option("text_pair", bool, False, "whether an example is two texts"),
            Option(
                "pooling",
                str,
                None,
                "how a text becomes a vector (default: as the encoder was "
                "trained, else cls)",
                POOLINGS,
            ),
            Option("dropout", float, 0.1, "dropout before the logits"),
            Option(
                "class_weights",
                str,
                None,
                "weigh labels by their inverse frequency",
                ("balanced",),
            ),
            Option(
                "label_smoothing",
                float,
                0.0,
                "probability spread over all labels in the loss",
            ),
            Option(
                "label_separator",
                str,
                class_labels.SEPARATOR,
                "what stands between several labels of an example",
            ),
        )

    @classmethod
    def from_examples(
        cls, examples: Iterable, **options
    ) -> "ClassificationHead":
        """Makes a head with the labels that occur in the examples, sorted.

        Args:
            examples: examples with `values` and `origin`. Labels are soft
                where one is a dict.
            **options: constructor arguments; `class_weights` may be
                `"balanced"`: total / (labels * count) for each label.
        """
        kind = options.get("kind", "single_label")
        if kind == "regression":
            return cls(**options)
        counts = collections.Counter()
        for example in examples:
            if class_labels.has_probabilities(example.values.get("label")):
                options["soft_labels"] = True
            counts.update(
                class_labels.counts_in(
                    example,
                    kind,
                    options.get("label_separator", class_labels.SEPARATOR),
                )
            )
        labels = options.setdefault("labels", sorted(counts))
        if kind == "single_label" and len(labels) == 1:
            raise InputError(
                "Examples to classify must have at least two different "
                f"labels. Received: {labels[0]!r} in every example up to "
                f"{example.origin}. Check the label column."
            )
        if options.get("class_weights") == "balanced":
            total = sum(counts.values())
            options["class_weights"] = {
                label: total / (len(labels) * max(counts[label], 1))
                for label in labels
            }
        return cls(**options)

    def get_config(self) -> dict:
        return {
            "labels": self.labels_by_index,
            "kind": self.kind,
            "text_pair": self.text_pair,
            "pooling": self.pooling,
            "dropout": self.dropout,
            "class_weights": self.class_weights,
            "label_smoothing": self.label_smoothing,
            "soft_labels": self.soft_labels,
            "label_separator": self.label_separator,
        }

    def example(self, values: Mapping[str, Any], with_label: bool) -> dict:
        example = super().example(values, with_label)
        if with_label:
            example["label"] = (
                self._probabilities(values)
                if self.soft_labels
                else self._label(values)
            )
        return example

    def mark_unseen(self, values: Mapping[str, Any]) -> tuple[dict, list[str]]:
        label = values.get("label")
        if self.kind == "regression" or (
            self.soft_labels and not class_labels.is_one(label)
        ):
            return dict(values), []
        label, unseen = class_labels.mark_unseen(
            label,
            self.kind,
            self.labels_by_index,
            self.label_separator,
        )
        return {**values, "label": label}, unseen

    def example_spec(self, with_label: bool) -> dict:
        spec = super().example_spec(with_label)
        if with_label:
            spec["label"] = {
                "single_label": ("float32", (len(self.labels_by_index or ()),))
                if self.soft_labels
                else ("int32", ()),
                "multi_label": ("float32", (len(self.labels_by_index or ()),)),
                "regression": ("float32", ()),
            }[self.kind]
        return spec

    def example_weights(self, examples: Mapping[str, Any]):
        if self.class_weights is None:
            return None
        weights = [self.class_weights[name] for name in self.labels_by_index]
        if self.soft_labels:
            return tf.linalg.matvec(examples["label"], weights)
        # Unseen labels weigh nothing anyway.
        labels = tf.maximum(examples["label"], 0)
        return tf.gather(tf.constant(weights, "float32"), labels)

    def build(self, encoder: keras.Model) -> keras.Model:
        vectors = Dropout(self.dropout, name="head_dropout")(
            pooled(encoder, self.pooling)
        )
        regression = self.kind == "regression"
        logits = keras.layers.Dense(
            1 if regression else len(self.labels_by_index),
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype="float32",
            name="logits",
        )(vectors)
        if regression:
            logits = ScoreScale(dtype="float32", name="score_scale")(logits)
            logits = keras.layers.Reshape((), dtype="float32", name="score")(
                logits
            )
        return keras.Model(encoder.input, logits)

    def adapt(self, model: keras.Model, examples: Iterable, tokenizer) -> None:
        logits = model.get_layer("logits")
        if not is_new(logits):
            return
        labels = self._labels_of(examples)
        if self.kind == "regression":
            scale = model.get_layer("score_scale")
            if scale.is_new():
                scale.adapt(labels)
        elif self.kind == "multi_label":
            logits.bias.assign(log_odds(labels.sum(axis=0), len(labels)))
        else:
            names = self.labels_by_index
            counts = np.bincount(labels, minlength=len(names))
            if self.soft_labels:
                counts = sum(
                    self._probabilities(one.values) for one in examples
                )
            if self.class_weights:
                counts = counts * [self.class_weights[name] for name in names]
            logits.bias.assign(log_frequencies(counts))

    def losses(self) -> keras.losses.Loss:
        if self.soft_labels:
            return keras.losses.CategoricalCrossentropy(
                from_logits=True, label_smoothing=self.label_smoothing
            )
        if self.kind == "single_label":
            if self.label_smoothing:
                return SmoothedCrossentropy(self.label_smoothing)
            return Crossentropy(from_logits=True)
        if self.kind == "multi_label":
            return keras.losses.BinaryCrossentropy(
                from_logits=True, label_smoothing=self.label_smoothing
            )
        return keras.losses.MeanSquaredError()

    def metrics(self) -> list:
        return class_labels.metrics(
            self.kind, self.labels_by_index, self.soft_labels
        )

    def decode(self, logits) -> dict:
        if self.kind == "regression":
            return {"score": logits}
        labels = tf.constant(self.labels_by_index)
        if self.kind == "single_label":
            scores = tf.nn.softmax(logits)
            best = tf.argmax(scores, axis=-1, output_type=tf.int32)
            return {
                "label": tf.gather(labels, best),
                "probability": tf.reduce_max(scores, axis=-1),
                "scores": scores,
            }
        scores = tf.sigmoid(logits)
        order = tf.argsort(scores, axis=-1, direction="DESCENDING")
        chosen = tf.gather(scores, order, batch_dims=1) > 0.5
        ranked = tf.gather(labels, order)
        return {
            "labels": tf.where(chosen, ranked, tf.zeros_like(ranked)),
            "num_labels": tf.reduce_sum(tf.cast(chosen, tf.int32), axis=-1),
            "scores": scores,
        }

    def answers(self, decoded: Mapping[str, Any]) -> list[dict]:
        if self.kind == "regression":
            return [{"score": float(score)} for score in decoded["score"]]
        answers = []
        for index, row in enumerate(decoded["scores"]):
            if self.kind == "single_label":
                answer = {
                    "label": decoded["label"][index].decode(),
                    "probability": float(decoded["probability"][index]),
                }
            else:
                count = decoded["num_labels"][index]
                labels = decoded["labels"][index][:count]
                answer = {"labels": [label.decode() for label in labels]}
            scores = zip(self.labels_by_index, map(float, row))
            answers.append({**answer, "scores": dict(scores)})
        return answers

    def guess(
        self, examples: Iterable, measures: Mapping[str, float]
    ) -> str | None:
        labels = self._labels_of(examples)
        if self.kind == "regression":
            deviation = np.std(labels)
            if measures.get("rmse", 0.0) >= deviation:
                return f"the mean score (RMSE {deviation:.4g})"
        if self.kind == "single_label":
            known = labels[labels != class_labels.UNSEEN]
            counts = np.bincount(known, minlength=len(self.labels_by_index))
            fraction = counts.max() / len(labels)
            is_better = measures.get("accuracy", 1.0) > fraction + 1e-6
            if self.class_weights:
                # They give up accuracy. One answer alone has an MCC of 0.
                is_better = measures.get("mcc", 1.0) > 0
            if not is_better:
                label = self.labels_by_index[counts.argmax()]
                return f"the most frequent label, {label!r} ({fraction:.1%})"
        if self.kind == "multi_label" and measures.get("macro_f1", 1.0) == 0:
            return "no label"
        return None

    def _labels_of(self, examples: Iterable) -> np.ndarray:
        return np.array([self._label(example.values) for example in examples])

    def _probabilities(self, values: Mapping[str, Any]) -> np.ndarray:
        return class_labels.probabilities(
            values.get("label"), self.labels_by_index
        )

    def _label(self, values: Mapping[str, Any]):
        if self.soft_labels:
            row = self._probabilities(values)
            return int(row.argmax()) if row.any() else class_labels.UNSEEN
        return class_labels.parse(
            values.get("label"),
            self.kind,
            self.labels_by_index,
            self.label_separator,
        )

    def score(self, examples: Iterable, answers: Iterable[dict]) -> dict:
        if self.kind != "regression":
            return {}
        truth, predicted = [], []
        for example, answer in zip(examples, answers, strict=True):
            truth.append(self._label(example.values))
            predicted.append(answer["score"])
        return {"spearman": spearman_correlation(truth, predicted)}

    def is_right(self, values: Mapping[str, Any], answer: dict) -> bool | None:
        """Returns whether an answer is right; `None` for a regression."""
        if self.kind == "regression":
            return None
        truth = self._label(values)
        if self.kind == "single_label":
            return self.labels_by_index.index(answer["label"]) == truth
        chosen = [label in answer["labels"] for label in self.labels_by_index]
        return chosen == [flag > 0 for flag in truth]

    def report_tables(
        self, examples: Iterable, answers: Iterable[dict]
    ) -> list:
        return label_tables(
            examples,
            answers,
            self._label,
            self.kind,
            self.labels_by_index,
            self.text_fields,
        )

    def signature(self) -> Signature:
        return Signature(
            tuple(
                TensorInfo(field, "string", (None,), f"the {meaning}")
                for field, meaning in zip(
                    self.text_fields, ("text", "second text")
                )
            ),
            class_labels.outputs(self.kind, self.labels_by_index),
        )

    def logits_signature(self) -> tuple[TensorInfo, ...]:
        shape = (None,)
        if self.kind != "regression":
            shape = (None, len(self.labels_by_index))
        return (TensorInfo("logits", "float32", shape, "unscaled scores"),)

    @classmethod
    def from_weights(cls, weights: HeadWeights) -> "ClassificationHead":
        kind = weights.config.get("kind", "single_label")
        labels = None if kind == "regression" else list(weights.labels)
        return cls(labels=labels, kind=kind)

    def set_weights(self, model: keras.Model, weights: HeadWeights) -> None:
        model.get_layer("logits").set_weights(
            [weights.weights["kernel"], weights.weights["bias"]]
        )

    def get_weights(self, model: keras.Model) -> HeadWeights | None:
        # Published classifiers read the pooled first token.
        if any(layer.name == "pooling" for layer in model.layers):
            return None
        kernel, bias = model.get_layer("logits").get_weights()
        if self.kind == "regression":
            scale = model.get_layer("score_scale")
            mean, deviation = scale.get_weights()
            kernel, bias = kernel * deviation, bias * deviation + mean
        return HeadWeights(
            self.name,
            list(self.labels_by_index or ()),
            {"kernel": np.asarray(kernel), "bias": np.asarray(bias)},
            {"kind": self.kind},
        )
