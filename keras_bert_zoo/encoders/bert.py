"""The BERT encoder as a functional Keras model."""

import os

import keras

import keras_bert_zoo
from keras_bert_zoo import feature_names
from keras_bert_zoo.encoders import POOLINGS
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import AttentionMask
from keras_bert_zoo.layers import Embeddings
from keras_bert_zoo.layers import PackSequences
from keras_bert_zoo.layers import Pooler
from keras_bert_zoo.layers import SequenceMask
from keras_bert_zoo.layers import TransformerBlock
from keras_bert_zoo.layers import UnpackSequences

_SEGMENT_IDS = "segment_ids"


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class BertEncoder(keras.Model):
    """Reads tokens, returns one vector per token and one per sequence.

    A functional model: variants of the architecture are arguments. Letters:
    `B` batch, `S` tokens, `H` hidden width.

    Args:
        vocabulary_size: int. Number of tokens.
        num_layers: int. Number of transformer blocks.
        num_heads: int. Attention heads; must divide `hidden_dim`.
        hidden_dim: int. Width of the vectors.
        intermediate_dim: int. Inner width of the feed-forward layers.
        embedding_dim: int or `None`. Width of the embedding tables, where it
            differs from `hidden_dim`.
        max_sequence_length: int. Number of position embeddings.
        num_segments: int. Number of text segments; 0 for a family that has
            none, and so no `segment_ids`.
        activation: str. `gelu` (erf form), `gelu_approximate`, `relu`, ...
        dropout: float in [0, 1), on embeddings and block outputs.
        attention_dropout: float in [0, 1), on attention weights.
        layer_norm_epsilon: float.
        initializer_range: float. Standard deviation of the initial weights.
        share_layers: bool. Whether all blocks share their weights.
        position_offset: int. Row of the position table for the first token.
        use_pooler: bool. Whether `pooled_output` is computed.
        pooling: str or `None`. Pooling that the weights were trained with:
            `cls`, `mean` or `max`. The default of heads that pool: it changes
            nothing in the encoder.
        dtype: str, `keras.DTypePolicy` or `None` (the global policy).

    Input: dict of int32 `(B, S)`: `token_ids`, `segment_ids`, and
    `padding_mask` (1 for a real token). Output: dict of `sequence_output`
    `(B, S, H)` and, with `use_pooler`, `pooled_output` `(B, H)`.

    Raises:
        InputError: if a size is not positive, a rate not in [0, 1), or a
            pooling unknown.

    Source: Devlin et al., 2019 (arXiv:1810.04805).
    """

    input_meanings = {
        feature_names.TOKEN_IDS: "rows of the vocabulary",
        _SEGMENT_IDS: "0 in the first text, 1 in the second",
        feature_names.PADDING_MASK: "1 for a real token, 0 for padding",
    }

    def __init__(
        self,
        vocabulary_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        intermediate_dim: int,
        embedding_dim: int | None = None,
        max_sequence_length: int = 512,
        num_segments: int = 2,
        activation: str = "gelu",
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
        layer_norm_epsilon: float = 1e-12,
        initializer_range: float = 0.02,
        share_layers: bool = False,
        position_offset: int = 0,
        use_pooler: bool = True,
        pooling: str | None = None,
        dtype=None,
        name: str | None = None,
        **kwargs,
    ):
        config = {
            "vocabulary_size": vocabulary_size,
            "num_layers": num_layers,
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "intermediate_dim": intermediate_dim,
            "embedding_dim": embedding_dim,
            "max_sequence_length": max_sequence_length,
            "num_segments": num_segments,
            "activation": activation,
            "dropout": dropout,
            "attention_dropout": attention_dropout,
            "layer_norm_epsilon": layer_norm_epsilon,
            "initializer_range": initializer_range,
            "share_layers": share_layers,
            "position_offset": position_offset,
            "use_pooler": use_pooler,
            "pooling": pooling,
        }
        _check(config)
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())

        # Layers.
        embeddings = Embeddings(
            vocabulary_size,
            hidden_dim,
            embedding_dim=embedding_dim,
            max_sequence_length=max_sequence_length,
            num_segments=num_segments,
            position_offset=position_offset,
            dropout=dropout,
            layer_norm_epsilon=layer_norm_epsilon,
            initializer_range=initializer_range,
            dtype=policy,
            name="embeddings",
        )
        blocks = [
            TransformerBlock(
                num_heads,
                intermediate_dim,
                activation=activation,
                dropout=dropout,
                attention_dropout=attention_dropout,
                layer_norm_epsilon=layer_norm_epsilon,
                initializer_range=initializer_range,
                dtype=policy,
                name=f"transformer_block_{index}",
            )
            for index in range(1 if share_layers else num_layers)
        ]

        # Functional model.
        inputs = {
            key: keras.Input((None,), dtype="int32", name=key)
            for key in self.input_meanings
            if num_segments or key != _SEGMENT_IDS
        }
        hidden = embeddings(
            inputs[feature_names.TOKEN_IDS], inputs.get(_SEGMENT_IDS)
        )
        attention_mask = AttentionMask(dtype=policy, name="attention_mask")(
            inputs[feature_names.PADDING_MASK]
        )
        blocks = blocks * num_layers if share_layers else blocks
        for block in blocks:
            hidden = block(hidden, attention_mask)
        outputs = {feature_names.SEQUENCE_OUTPUT: hidden}
        if use_pooler:
            pooler = Pooler(initializer_range, dtype=policy, name="pooler")
            outputs[feature_names.POOLED_OUTPUT] = pooler(hidden)
        super().__init__(
            inputs=inputs, outputs=outputs, name=name or "encoder", **kwargs
        )

        # Config.
        self.dtype_policy = policy
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.hidden_dim = hidden_dim
        self.pooling = pooling
        self._config = config

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike,
        *,
        load_weights: bool = True,
        dtype=None,
        **overrides,
    ) -> "BertEncoder":
        """Loads a pretrained encoder, in any format that is read.

        Args:
            preset: a preset's name, `hf:ORGANIZATION/NAME`, or the directory
                of a model: ours, Hugging Face's, google-research's,
                keras-hub's or the TensorFlow model garden's.
            load_weights: bool. Whether to load the weights rather than draw
                random ones.
            dtype: dtype policy, or `None` for the global policy (of a
                directory that this project wrote: the one it was saved with).
            **overrides: arguments to change, such as `dropout`.

        Raises:
            InputError: if the preset is unknown or damaged, cannot be
                fetched, or holds another encoder than a BERT, or an override
                changes a size that the weights have.
        """
        # By the package's lazy name: this room stands above that of presets.
        encoder = keras_bert_zoo.load_encoder(
            preset, load_weights=load_weights, dtype=dtype, **overrides
        )
        if not isinstance(encoder, cls):
            raise InputError(
                f"`{cls.__name__}.from_preset` loads a {cls.__name__}. "
                f"Received: {preset}, which holds a "
                f"{type(encoder).__name__}. Load it with "
                "`keras_bert_zoo.load_encoder`."
            )
        return encoder

    @property
    def max_sequence_length(self) -> int:
        """Longest sequence in tokens: what the position table leaves."""
        config = self._config
        return config["max_sequence_length"] - config["position_offset"]

    @property
    def token_embedding(self):
        """The `(V, E)` token table, a variable."""
        return self.get_layer("embeddings").token_embedding

    def for_packed_sequences(self) -> keras.Model:
        """Returns this encoder, weights and all, for packed sequences.

        Tokens attend to those of their own sequence alone, and positions
        begin anew with each, so that every sequence has the vectors that it
        has by itself.

        Returns:
            Model with this one's inputs and outputs and two inputs more,
            int32 `(B,)`: `packed_index` and `packed_start`; see
            `PackSequences`.

        Source: Krell et al., 2021 (arXiv:2107.02027), section 3.2.
        """
        inputs = {
            key: keras.Input((None,), dtype="int32", name=key)
            for key in self.input
        } | {
            key: keras.Input((), dtype="int32", name=key)
            for key in feature_names.PACKED_INPUTS
        }
        packed = PackSequences(name="pack_sequences")(inputs)
        hidden = self.get_layer("embeddings")(
            packed[feature_names.TOKEN_IDS],
            packed.get(_SEGMENT_IDS),
            packed[feature_names.POSITION_IDS],
        )
        mask = SequenceMask(dtype=self.dtype_policy, name="sequence_mask")(
            packed[feature_names.SEQUENCE_IDS]
        )
        for block in self._blocks():
            hidden = block(hidden, mask)
        unpack = UnpackSequences(
            dtype=self.dtype_policy, name="unpack_sequences"
        )
        positions = packed[feature_names.PACKED_POSITIONS]
        outputs = {feature_names.SEQUENCE_OUTPUT: unpack(hidden, positions)}
        if feature_names.POOLED_OUTPUT in self.output:
            # First tokens alone: a batch need not be unpacked for them.
            first = unpack(hidden, positions[:, :1])
            pooler = self.get_layer("pooler")
            outputs[feature_names.POOLED_OUTPUT] = pooler(first)
        return keras.Model(
            inputs, outputs, name=f"{self.name}_for_packed_sequences"
        )

    def _blocks(self) -> list[TransformerBlock]:
        config = self._config
        shared = config["share_layers"]
        return [
            self.get_layer(f"transformer_block_{0 if shared else index}")
            for index in range(config["num_layers"])
        ]

    def get_config(self):
        return {
            **self._config,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def _check(config: dict) -> None:
    for key in (
        "vocabulary_size",
        "num_layers",
        "num_heads",
        "hidden_dim",
        "intermediate_dim",
        "max_sequence_length",
    ):
        if not isinstance(config[key], int) or config[key] < 1:
            raise InputError(
                f"`{key}` must be a positive integer. Received: "
                f"{key}={config[key]!r}."
            )
    num_segments = config["num_segments"]
    if not isinstance(num_segments, int) or num_segments < 0:
        raise InputError(
            "`num_segments` must be an integer of at least 0. Received: "
            f"num_segments={num_segments!r}."
        )
    for key in ("dropout", "attention_dropout"):
        if not 0 <= config[key] < 1:
            raise InputError(
                f"`{key}` must be at least 0 and below 1. Received: "
                f"{key}={config[key]!r}."
            )
    if config["pooling"] not in (None, *POOLINGS):
        raise InputError(
            f"`pooling` must be None or one of {', '.join(POOLINGS)}. "
            f"Received: pooling={config['pooling']!r}."
        )
    if config["hidden_dim"] % config["num_heads"]:
        raise InputError(
            "`num_heads` must divide `hidden_dim`. Received: "
            f"num_heads={config['num_heads']}, "
            f"hidden_dim={config['hidden_dim']}."
        )
