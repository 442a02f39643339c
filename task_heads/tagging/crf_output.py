"""Tags of which each depends on that of the word before."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from keras_bert_zoo.task import TensorInfo
from task_heads.tagging import crf
from task_heads.tagging.crf_loss import CrfLoss
from task_heads.tagging.transition_scores import TransitionScores


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
        # One more place: no loop runs over none.
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
