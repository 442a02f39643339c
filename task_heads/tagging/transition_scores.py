"""What follows what: a score for each pair of neighbouring tags."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="task_heads")
class TransitionScores(keras.layers.Layer):
    """Adds the score of a tag after each tag to the score of the tag alone.

    Until it is trained it adds nothing, so that the tags do not depend on
    each other.

    Args:
        scale: float. What the weights are multiplied by. A weight moves by
            about the learning rate in each step, and rates that suit an
            encoder would leave the scores near 0.

    Input shape: `(R, S, L)` logits. Output shape: `(R, S, L + 1, L)`
    potentials, of the tag of the last axis after that of the axis before,
    whose first place stands for no word before.

    Source: Lample et al., 2016 (arXiv:1603.01360), section 2.2.
    """

    def __init__(self, scale: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, input_shape):
        num_tags = input_shape[-1]
        self.transitions = self.add_weight(
            shape=(num_tags + 1, num_tags),
            initializer="zeros",
            name="transitions",
        )

    def call(self, logits):
        return ops.expand_dims(logits, -2) + self.scale * self.transitions

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
