"""Scores every vocabulary token at every given position."""

import keras
from keras import ops

from keras_bert_zoo.layers.activations import activation_function
from keras_bert_zoo.layers.initial_weights import truncated_normal
from keras_bert_zoo.layers.layer_norm import LayerNorm
from keras_bert_zoo.layers.own_gradient import own_gradient
from keras_bert_zoo.layers.projection import project


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class MaskedLMHead(keras.layers.Layer):
    """Predicts tokens with the transposed token embedding.

    The token table is passed at each call rather than held, so that it stays
    one variable of the encoder.

    Args:
        vocabulary_size: int. Number of tokens (`V`).
        embedding_dim: int. Width of the token table (`E`).
        activation: str. The encoder's own; see `activation_function`.
        layer_norm_epsilon: float. The encoder's own.
        initializer_range: float. Standard deviation of the initial kernel.

    Call arguments:
        hidden: float `(..., H)`.
        token_embedding: float `(V, E)`, the encoder's table.

    Output shape: `(..., V)` float32 logits.

    Source: Devlin et al., 2019 (arXiv:1810.04805), section 3.1, task 1.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        activation: str = "gelu",
        layer_norm_epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.activation = activation
        self.layer_norm_epsilon = layer_norm_epsilon
        self.initializer_range = initializer_range
        self._activation_function = activation_function(activation)
        self.layer_norm = LayerNorm(
            layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )

    def build(self, hidden_shape, token_embedding_shape=None):
        self.transform_kernel = self.add_weight(
            name="transform_kernel",
            shape=(hidden_shape[-1], self.embedding_dim),
            initializer=truncated_normal(self.initializer_range),
        )
        self.transform_bias = self.add_weight(
            name="transform_bias",
            shape=(self.embedding_dim,),
            initializer="zeros",
        )
        self.layer_norm.build((None, None, self.embedding_dim))
        self.output_bias = self.add_weight(
            name="output_bias",
            shape=(self.vocabulary_size,),
            initializer="zeros",
            autocast=False,
        )

    def call(self, hidden, token_embedding):
        outputs = project(
            hidden,
            self.transform_kernel,
            self.transform_bias,
            self._activation_function,
        )
        outputs = self.layer_norm(outputs)  # (..., E)
        shape = (*ops.shape(outputs)[:-1], self.vocabulary_size)
        rows = ops.reshape(outputs, (-1, self.embedding_dim))
        table = ops.cast(token_embedding, self.compute_dtype)
        logits = ops.cast(_products(rows, table), "float32")
        return ops.reshape(logits + self.output_bias, shape)

    def compute_output_spec(self, hidden, token_embedding):
        shape = (*hidden.shape[:-1], self.vocabulary_size)
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "embedding_dim": self.embedding_dim,
            "activation": self.activation,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_range": self.initializer_range,
        }


@own_gradient
def _products(rows, table):
    """Returns the product of each row with each of a table, `(N, V)`."""

    # By parts, the gradient of the table would be transposed once more.
    def gradient(upstream):
        return (
            ops.matmul(upstream, table),
            ops.matmul(ops.transpose(upstream), rows),
        )

    return ops.matmul(rows, ops.transpose(table)), gradient
