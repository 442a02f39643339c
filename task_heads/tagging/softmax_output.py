"""Tags that do not depend on each other."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_bert_zoo.task import TensorInfo


class SoftmaxOutput:
    """Reads each word's tag from its logits alone.

    Logits: `(R, S, L)` float32.
    """

    def build(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        """Returns the model's output, from logits `(R, S, L)`."""
        return logits

    def loss(self) -> keras.losses.Loss:
        """Returns the loss of the model's output."""
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )

    def read_words(self, logits, exists) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the tags of the words of texts, and their probabilities.

        Args:
            logits: float32 `(words, L)`, what `build` gave, at the words.
            exists: bool ragged `(B, W)`, false for words without tokens, of
                which nothing is known.

        Returns:
            Int32 and float32, `(words,)` each.
        """
        del exists
        scores = tf.nn.softmax(logits)
        best = tf.argmax(scores, axis=-1, output_type=tf.int32)
        return best, tf.reduce_max(scores, axis=-1)

    def read_tokens(self, logits) -> dict:
        """Returns `token_outputs`, from the model's output."""
        scores = tf.nn.softmax(logits)
        return {
            "tag_id": tf.argmax(scores, axis=-1, output_type=tf.int32),
            "tag_probability": tf.reduce_max(scores, axis=-1),
        }

    def token_outputs(self) -> tuple[TensorInfo, ...]:
        """Returns the description of what can be said of tokens alone."""
        return (
            TensorInfo(
                "tag_id",
                "int32",
                (None, None),
                "place of the best tag among the logits, for each token; a "
                "word's is that of its first token",
            ),
            TensorInfo(
                "tag_probability", "float32", (None, None), "its probability"
            ),
        )

    def signature(self, labels: Sequence[str]) -> TensorInfo:
        """Returns the description of the model's output."""
        return TensorInfo(
            "logits",
            "float32",
            (None, None, len(labels)),
            f"unscaled scores of {', '.join(labels)}",
        )
