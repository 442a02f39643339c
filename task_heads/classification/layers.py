"""Layers of the classification head: pooling, and the scale of scores."""

import keras
from keras import ops

from keras_bert_zoo import feature_names
from keras_bert_zoo.encoders import POOLINGS
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import encode


def pooled(encoder: keras.Model, pooling: str | None) -> keras.KerasTensor:
    """Returns one vector for each sequence, `(B, H)`, on `encoder.input`.

    Args:
        encoder: the encoder.
        pooling: str. `cls` (the encoder's pooled output), `mean` or `max`
            over real tokens; `None` for what the encoder was trained with,
            else `cls`.
    """
    inputs = encoder.input
    pooling = pooling or getattr(encoder, "pooling", None) or "cls"
    if pooling != "cls":
        return SequencePooling(pooling, name="pooling")(
            encode(encoder, inputs, feature_names.SEQUENCE_OUTPUT),
            inputs[feature_names.PADDING_MASK],
        )
    if feature_names.POOLED_OUTPUT in encoder.output:
        return encode(encoder, inputs, feature_names.POOLED_OUTPUT)
    return encode(encoder, inputs, feature_names.SEQUENCE_OUTPUT)[:, 0, :]


@keras.saving.register_keras_serializable(package="task_heads")
class SequencePooling(keras.layers.Layer):
    """Averages, or takes the maximum of, the vectors of real tokens.

    Args:
        mode: str. `mean` or `max`.

    Call arguments:
        sequence_output: float `(B, S, H)`.
        padding_mask: int `(B, S)`, 1 for a real token.

    Output shape: `(B, H)` float32: sums of many tokens overflow float16.

    Source: Reimers and Gurevych, 2019 (arXiv:1908.10084), section 3.
    """

    def __init__(self, mode: str = "mean", **kwargs):
        super().__init__(**kwargs)
        if mode not in POOLINGS[1:]:
            raise InputError(
                f"`mode` must be one of {', '.join(POOLINGS[1:])}. "
                f"Received: {mode!r}."
            )
        self.mode = mode

    def call(self, sequence_output, padding_mask):
        values = ops.cast(sequence_output, "float32")
        mask = ops.expand_dims(ops.cast(padding_mask, "float32"), -1)
        if self.mode == "max":
            return ops.max(values - (1.0 - mask) * 1e9, axis=1)
        count = ops.maximum(ops.sum(mask, axis=1), 1.0)
        return ops.sum(values * mask, axis=1) / count

    def compute_output_spec(self, sequence_output, padding_mask):
        shape = (sequence_output.shape[0], sequence_output.shape[-1])
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}


@keras.saving.register_keras_serializable(package="task_heads")
class ScoreScale(keras.layers.Layer):
    """Multiplies by a standard deviation and adds a mean.

    What comes in has mean 0 and standard deviation 1 over the training data,
    so that a head learns scores from 1 to 5, or thousands, as fast as any.
    Both numbers are variables that are not trained. In training, gradients
    are those of a squared error in units of the deviation: neither rate nor
    clipping, nor what another task weighs beside, depend on the unit.

    Input and output shape: `(B, 1)` float32.
    """

    def build(self, input_shape):
        self.mean = self.add_weight((), "zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(
            (), "ones", trainable=False, name="deviation"
        )

    def call(self, standardized, training=False):
        scores = standardized * self.deviation + self.mean
        if not training:
            return scores
        # Of this value, with a derivative of 1 / deviation.
        passed = standardized / self.deviation
        return passed + ops.stop_gradient(scores - passed)

    def compute_output_spec(self, standardized, training=False):
        return keras.KerasTensor(standardized.shape, dtype=self.compute_dtype)

    def is_new(self) -> bool:
        """Returns whether both are still as initialized: 0 and 1."""
        return [float(weight) for weight in self.get_weights()] == [0.0, 1.0]

    def adapt(self, scores) -> None:
        """Sets mean and standard deviation to those of these scores, `(N,)`.

        Where all scores are the same, the deviation stays 1.
        """
        scores = ops.convert_to_numpy(scores).astype("float64")
        self.mean.assign(scores.mean())
        self.deviation.assign(scores.std() or 1.0)
