"""One block of the encoder: attention and feed-forward, each normalized."""

import keras

from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.feed_forward import FeedForward
from keras_bert_zoo.layers.layer_norm import LayerNorm
from keras_bert_zoo.layers.self_attention import SelfAttention


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class TransformerBlock(keras.layers.Layer):
    """Self-attention, then feed-forward, each added and then normalized.

    Args:
        num_heads: int. Must divide the hidden width.
        intermediate_dim: int. Inner width of the feed-forward part.
        activation: str. See `activations.activation_function`.
        dropout: float in [0, 1), on the output of both parts.
        attention_dropout: float in [0, 1), on the attention weights.
        layer_norm_epsilon: float.
        initializer_range: float. Standard deviation of the initial kernels.

    Call arguments:
        hidden: float `(B, S, H)`.
        attention_mask: float `(B, 1, 1, S)`, added to the scores.

    Output shape: `(B, S, H)` float.

    Source: Vaswani et al., 2017 (arXiv:1706.03762), the encoder of section
    3.1 (normalization after the sum).
    """

    def __init__(
        self,
        num_heads: int,
        intermediate_dim: int,
        activation: str = "gelu",
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        layer_norm_epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.intermediate_dim = intermediate_dim
        self.activation = activation
        self.dropout = dropout
        self.attention_dropout = attention_dropout
        self.layer_norm_epsilon = layer_norm_epsilon
        self.initializer_range = initializer_range
        policy = self.dtype_policy
        self.self_attention = SelfAttention(
            num_heads,
            attention_dropout,
            initializer_range,
            dtype=policy,
            name="self_attention",
        )
        self.attention_layer_norm = LayerNorm(
            layer_norm_epsilon, dtype=policy, name="attention_layer_norm"
        )
        self.feed_forward = FeedForward(
            intermediate_dim,
            activation,
            initializer_range,
            dtype=policy,
            name="feed_forward",
        )
        self.output_layer_norm = LayerNorm(
            layer_norm_epsilon, dtype=policy, name="output_layer_norm"
        )
        self.output_dropout = Dropout(dropout, dtype=policy, name="dropout")

    def build(self, hidden_shape, attention_mask_shape=None):
        self.self_attention.build(hidden_shape)
        self.attention_layer_norm.build(hidden_shape)
        self.feed_forward.build(hidden_shape)
        self.output_layer_norm.build(hidden_shape)

    def call(self, hidden, attention_mask, training=None):
        change = self.self_attention(hidden, attention_mask, training=training)
        change = self.output_dropout(change, training=training)
        hidden = self.attention_layer_norm(hidden + change)
        change = self.feed_forward(hidden)
        change = self.output_dropout(change, training=training)
        return self.output_layer_norm(hidden + change)

    def compute_output_shape(self, hidden_shape, attention_mask_shape=None):
        return hidden_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "intermediate_dim": self.intermediate_dim,
            "activation": self.activation,
            "dropout": self.dropout,
            "attention_dropout": self.attention_dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_range": self.initializer_range,
        }
