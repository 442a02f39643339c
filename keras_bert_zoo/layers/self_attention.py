"""Multi-head self-attention with one projection for all three inputs."""

import math

import keras
from keras import ops

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.initial_weights import truncated_normal
from keras_bert_zoo.layers.projection import project


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class SelfAttention(keras.layers.Layer):
    """Lets every token gather from every other token.

    Query, key and value come from one product with a kernel `(H, 3H)`:
    columns hold all queries, then all keys, then all values, head by head
    inside each. Scores are normalized in float32 at any compute type.

    Args:
        num_heads: int. Must divide the hidden width.
        attention_dropout: float in [0, 1), on the attention weights.
        initializer_range: float. Standard deviation of the initial kernels.

    Call arguments:
        hidden: float `(B, S, H)`.
        attention_mask: float `(B, 1, 1, S)` (or `(B, 1, S, S)`), added to
            the scores.

    Output shape: `(B, S, H)` float.

    Raises:
        InputError: if `num_heads` does not divide the hidden width.

    Source: Vaswani et al., 2017 (arXiv:1706.03762), section 3.2.
    """

    def __init__(
        self,
        num_heads: int,
        attention_dropout: float = 0.1,
        initializer_range: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.attention_dropout = attention_dropout
        self.initializer_range = initializer_range
        self.weights_dropout = Dropout(
            attention_dropout, dtype=self.dtype_policy, name="dropout"
        )

    def build(self, hidden_shape, attention_mask_shape=None):
        hidden_dim = hidden_shape[-1]
        if hidden_dim % self.num_heads:
            raise InputError(
                "`num_heads` must divide the hidden width. Received: "
                f"num_heads={self.num_heads}, hidden_dim={hidden_dim}."
            )
        self.qkv_kernel = self.add_weight(
            name="qkv_kernel",
            shape=(hidden_dim, 3 * hidden_dim),
            initializer=truncated_normal(self.initializer_range),
        )
        self.qkv_bias = self.add_weight(
            name="qkv_bias", shape=(3 * hidden_dim,), initializer="zeros"
        )
        self.output_kernel = self.add_weight(
            name="output_kernel",
            shape=(hidden_dim, hidden_dim),
            initializer=truncated_normal(self.initializer_range),
        )
        self.output_bias = self.add_weight(
            name="output_bias", shape=(hidden_dim,), initializer="zeros"
        )

    def call(self, hidden, attention_mask, training=None):
        batch, length, hidden_dim = ops.shape(hidden)
        head_dim = self.qkv_kernel.shape[0] // self.num_heads
        qkv = project(hidden, self.qkv_kernel, self.qkv_bias)
        qkv = ops.reshape(qkv, (batch, length, 3, self.num_heads, head_dim))
        qkv = ops.transpose(qkv, (2, 0, 3, 1, 4))  # (3, B, N, S, D)
        # Unstacked, not indexed: three slices would each have a gradient of
        # the whole size, mostly zeros, to be added up.
        query, key, value = ops.unstack(qkv, 3)  # (B, N, S, D) each
        query = query * (1.0 / math.sqrt(head_dim))
        scores = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
        scores = ops.add(scores, attention_mask)  # (B, N, S, S)
        weights = ops.softmax(ops.cast(scores, "float32"), axis=-1)
        weights = ops.cast(weights, self.compute_dtype)
        weights = self.weights_dropout(weights, training=training)
        outputs = ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3))
        outputs = ops.reshape(outputs, (batch, length, hidden_dim))
        return project(outputs, self.output_kernel, self.output_bias)

    def compute_output_shape(self, hidden_shape, attention_mask_shape=None):
        return hidden_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "attention_dropout": self.attention_dropout,
            "initializer_range": self.initializer_range,
        }
