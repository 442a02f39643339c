"""Outputs of the tagging head: softmax of each word, or a CRF over words."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_bert_zoo.task import TensorInfo
from task_heads.tagging import crf
from task_heads.tagging.crf import CrfLoss
from task_heads.tagging.crf import TransitionScores


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
        """Returns the description of answers for tokens, without texts."""
        return (
            TensorInfo(
                "tag_id",
                "int32",
                (None, None),
                "index of the best tag among the logits, for each token; a "
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


class CrfOutput:
    """Reads the tags of a text as a whole: a conditional random field.

    The interface is that of `SoftmaxOutput`. Potentials: `(R, S, L + 1, L)`
    float32, see `crf`.
    """

    def build(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        return TransitionScores(dtype="float32", name="transition_scores")(
            logits
        )

    def loss(self) -> keras.losses.Loss:
        return CrfLoss()

    def read_words(self, potentials, exists) -> tuple[tf.Tensor, tf.Tensor]:
        # Words stand in one row for each text, whatever windows they are of.
        # One more position: no loop runs over none.
        is_word = tf.pad(exists.to_tensor(), [[0, 0], [0, 1]])  # (B, W + 1)
        rows = exists.with_flat_values(potentials).to_tensor()
        rows = tf.pad(rows, [[0, 0], [0, 1], [0, 0], [0, 0]])
        best = crf.best_path(rows, is_word)
        probabilities = tf.gather(
            crf.marginals(rows, is_word), best, batch_dims=2
        )
        # In float32 a sum of parts may exceed the whole.
        probabilities = tf.minimum(probabilities, 1.0)
        lengths = exists.row_lengths()
        return (
            tf.RaggedTensor.from_tensor(best, lengths).flat_values,
            tf.RaggedTensor.from_tensor(probabilities, lengths).flat_values,
        )

    def read_tokens(self, potentials) -> dict:
        return {}

    def token_outputs(self) -> tuple[TensorInfo, ...]:
        # The chain goes from word to word, and ids do not say where words
        # begin: whoever runs it on ids walks the potentials of the words.
        return ()

    def signature(self, labels: Sequence[str]) -> TensorInfo:
        return TensorInfo(
            "potentials",
            "float32",
            (None, None, len(labels) + 1, len(labels)),
            "unscaled scores, where a word's first token stands, of "
            f"{', '.join(labels)} (last axis) after each of none and these "
            "at the word before; the best tags are the path with the highest "
            "sum (Viterbi)",
        )
