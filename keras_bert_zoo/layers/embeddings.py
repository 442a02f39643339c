"""Token, position and segment embeddings, summed and normalized."""

import keras
from keras import ops

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.initial_weights import truncated_normal
from keras_bert_zoo.layers.layer_norm import LayerNorm
from keras_bert_zoo.layers.projection import project


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class Embeddings(keras.layers.Layer):
    """Embeds tokens with their positions and segments.

    Args:
        vocabulary_size: int. Rows of the token table (`V`).
        hidden_dim: int. Width of the output (`H`).
        embedding_dim: int or `None`. Width of the tables (`E`); where it
            differs from `hidden_dim`, a projection follows.
        max_sequence_length: int. Rows of the position table.
        num_segments: int. Rows of the segment table; 0 for a family that has
            none.
        position_offset: int. Row of the first position.
        dropout: float in [0, 1).
        layer_norm_epsilon: float.
        initializer_range: float. Standard deviation of the initial weights.

    Call arguments:
        token_ids: int `(B, S)`.
        segment_ids: int `(B, S)`; left out where there is no segment table.
        position_ids: int `(B, S)`, from 0; the tokens' places if left out.

    Output shape: `(B, S, H)` float.

    Raises:
        InputError: when called, if the sequences are known to be longer than
            there are positions.

    Source: Devlin et al., 2019 (arXiv:1810.04805), section 3; the factorised
    form: Lan et al., 2020 (arXiv:1909.11942), section 3.1.
    """

    def __init__(
        self,
        vocabulary_size: int,
        hidden_dim: int,
        embedding_dim: int | None = None,
        max_sequence_length: int = 512,
        num_segments: int = 2,
        position_offset: int = 0,
        dropout: float = 0.1,
        layer_norm_epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.hidden_dim = hidden_dim
        self.embedding_dim = embedding_dim
        self.max_sequence_length = max_sequence_length
        self.num_segments = num_segments
        self.position_offset = position_offset
        self.dropout = dropout
        self.layer_norm_epsilon = layer_norm_epsilon
        self.initializer_range = initializer_range
        self.layer_norm = LayerNorm(
            layer_norm_epsilon, dtype=self.dtype_policy, name="layer_norm"
        )
        self.output_dropout = Dropout(
            dropout, dtype=self.dtype_policy, name="dropout"
        )

    def build(self, input_shape):
        width = self.embedding_dim or self.hidden_dim
        self.token_embedding = self._table("token", self.vocabulary_size)
        self.position_embedding = self._table(
            "position", self.max_sequence_length
        )
        if self.num_segments:
            self.segment_embedding = self._table("segment", self.num_segments)
        self.layer_norm.build((None, None, width))
        if width != self.hidden_dim:
            self.projection = keras.layers.Dense(
                self.hidden_dim,
                kernel_initializer=truncated_normal(self.initializer_range),
                dtype=self.dtype_policy,
                name="projection",
            )
            self.projection.build((None, None, width))

    def call(
        self, token_ids, segment_ids=None, position_ids=None, training=None
    ):
        first = self.position_offset
        outputs = ops.take(self.token_embedding, token_ids, axis=0)
        if position_ids is None:
            self._check_length(token_ids.shape[1])
            length = ops.shape(token_ids)[1]
            outputs += self.position_embedding[first : first + length]
        else:
            outputs += ops.take(
                self.position_embedding, position_ids + first, axis=0
            )
        if self.num_segments:
            outputs += ops.take(self.segment_embedding, segment_ids, axis=0)
        outputs = self.layer_norm(outputs)  # (B, S, E)
        outputs = self.output_dropout(outputs, training=training)
        if (self.embedding_dim or self.hidden_dim) != self.hidden_dim:
            outputs = project(
                outputs, self.projection.kernel, self.projection.bias
            )
        return outputs  # (B, S, H)

    def _check_length(self, length):
        longest = self.max_sequence_length - self.position_offset
        if length is not None and length > longest:
            raise InputError(
                "A sequence must not exceed the positions of the encoder, "
                f"{longest} tokens. Received: {length}. Truncate it, and end "
                "it with the separator."
            )

    def compute_output_shape(
        self, token_ids_shape, segment_ids_shape=None, position_ids_shape=None
    ):
        return (*token_ids_shape, self.hidden_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "hidden_dim": self.hidden_dim,
            "embedding_dim": self.embedding_dim,
            "max_sequence_length": self.max_sequence_length,
            "num_segments": self.num_segments,
            "position_offset": self.position_offset,
            "dropout": self.dropout,
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_range": self.initializer_range,
        }

    def _table(self, kind: str, rows: int):
        return self.add_weight(
            name=f"{kind}_embedding",
            shape=(rows, self.embedding_dim or self.hidden_dim),
            initializer=truncated_normal(self.initializer_range),
            # Rows are cast, rather than all of the table.
            autocast=False,
        )
