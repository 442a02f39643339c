"""Predicts how many stars a review gives: a head in a package of its own."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_bert_zoo import InputError
from keras_bert_zoo import feature_names
from keras_bert_zoo.task import Option
from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task import encode


class StarRatingHead(TaskHead):
    """Asks "more than one star? more than two? ..." and counts the yeses.

    Unlike a classifier, it knows that four stars are closer to five than to
    one.

    Args:
        num_stars: int. The most stars a text can give, at least 2.

    Logits: `(B, num_stars - 1)` float32, one per question.

    Raises:
        InputError: if `num_stars` is below 2.

    Source: Frank and Hall, 2001, "A Simple Approach to Ordinal
    Classification".
    """

    name = "stars"
    label_fields = ("stars",)

    def __init__(self, num_stars: int = 5):
        if num_stars < 2:
            raise InputError(
                "`num_stars` must be at least 2. Received: "
                f"num_stars={num_stars}."
            )
        self.num_stars = num_stars

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (Option("num_stars", int, 5, "the most stars"),)

    def get_config(self) -> dict:
        return {"num_stars": self.num_stars}

    def example(self, values: Mapping[str, Any], with_label: bool) -> dict:
        example = super().example(values, with_label)
        if with_label:
            stars = str(values.get("stars", "")).strip()
            if not stars.isdecimal() or not 1 <= int(stars) <= self.num_stars:
                raise InputError(
                    f"stars must be a whole number from 1 to {self.num_stars}. "
                    f"Received: {stars!r}."
                )
            example["stars"] = int(stars)
        return example

    def example_spec(self, with_label: bool) -> dict:
        spec = super().example_spec(with_label)
        return {**spec, "stars": ("int32", ())} if with_label else spec

    def labels(self, examples: Mapping[str, Any]):
        questions = tf.range(1, self.num_stars)  # (num_stars - 1,)
        return tf.cast(examples["stars"][:, tf.newaxis] > questions, "float32")

    def build(self, encoder: keras.Model) -> keras.Model:
        pooled = encode(
            encoder, encoder.input, feature_names.POOLED_OUTPUT
        )  # (B, H)
        logits = keras.layers.Dense(
            self.num_stars - 1, dtype="float32", name="logits"
        )(pooled)
        return keras.Model(encoder.input, logits)

    def losses(self) -> keras.losses.Loss:
        return keras.losses.BinaryCrossentropy(from_logits=True)

    def metrics(self) -> list:
        return [keras.metrics.BinaryAccuracy(threshold=0.0, name="questions")]

    def decode(self, logits) -> dict:
        yes = tf.sigmoid(logits)
        return {
            "stars": 1 + tf.reduce_sum(tf.cast(yes > 0.5, tf.int32), axis=-1),
            "expected": 1.0 + tf.reduce_sum(yes, axis=-1),
        }

    def answers(self, decoded: Mapping[str, Any]) -> list[dict]:
        return [
            {"stars": int(stars), "expected": float(expected)}
            for stars, expected in zip(decoded["stars"], decoded["expected"])
        ]

    def signature(self) -> Signature:
        return Signature(
            (TensorInfo("text", "string", (None,), "the review"),),
            (
                TensorInfo("stars", "int32", (None,), "stars, from 1"),
                TensorInfo("expected", "float32", (None,), "mean stars"),
            ),
        )

    def logits_signature(self) -> tuple[TensorInfo, ...]:
        shape = (None, self.num_stars - 1)
        return (TensorInfo("logits", "float32", shape, "one per question"),)
