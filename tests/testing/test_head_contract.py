"""The conformance checks find heads that break the contract."""

import keras
import pytest
import tensorflow as tf

from keras_bert_zoo.testing import check_head
from task_heads.classification.head import ClassificationHead

ROWS = [
    {"text": "a fine plot", "label": "good"},
    {"text": "dull", "label": "bad"},
]


class ForgetsAnOption(ClassificationHead):
    def get_config(self):
        return {**super().get_config(), "dropout": self.dropout / 2}


class DescribesAnotherType(ClassificationHead):
    def decode(self, logits):
        decoded = super().decode(logits)
        return {**decoded, "probability": tf.cast(decoded["scores"], "int32")}


class LeavesOutAnOutput(ClassificationHead):
    def decode(self, logits):
        decoded = super().decode(logits)
        return {"label": decoded["label"], "scores": decoded["scores"]}


class LosesAnAnswer(ClassificationHead):
    def answers(self, decoded):
        return super().answers(decoded)[:1]


class CountsPadding(ClassificationHead):
    def build(self, encoder):
        outputs = encoder(encoder.input)["sequence_output"]
        pooled = keras.layers.GlobalAveragePooling1D()(outputs)
        return keras.Model(encoder.input, keras.layers.Dense(2)(pooled))


class HidesAnInput(ClassificationHead):
    def build(self, encoder):
        model = super().build(encoder)
        more = keras.Input((None,), dtype="int32", name="more")
        return keras.Model({**model.input, "more": more}, model.output)


class DrawsWithoutTheSeed(ClassificationHead):
    def labels(self, examples):
        return tf.random.uniform(tf.shape(examples["label"]))


@pytest.mark.parametrize(
    ("head_class", "message"),
    [
        pytest.param(
            ForgetsAnOption, "to give the same head", marks=pytest.mark.slow
        ),
        pytest.param(
            DescribesAnotherType,
            "'probability' to be float32",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            LeavesOutAnOutput, "what is described", marks=pytest.mark.slow
        ),
        pytest.param(LosesAnAnswer, "one per example", marks=pytest.mark.slow),
        pytest.param(
            HidesAnInput,
            "the encoder's inputs and `token_inputs`",
            marks=pytest.mark.slow,
        ),
        (DrawsWithoutTheSeed, "the same labels eagerly and in tf.data"),
        (CountsPadding, "not to depend on padding"),
    ],
)
def test_a_broken_head_is_found(head_class, message):
    with pytest.raises(AssertionError, match=message):
        check_head(head_class(["bad", "good"]), ROWS)
