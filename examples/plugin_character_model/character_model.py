"""A tokenizer and an encoder of another family, in a package of their own.

Every character is a token. A pair of texts is packed `<s> a </s></s> b </s>`,
as RoBERTa's are; there are no segment ids, and padding has the id 1.
"""

import json
import os
import pathlib
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo import InputError
from keras_bert_zoo import feature_names
from keras_bert_zoo.layers import AttentionMask
from keras_bert_zoo.layers import Embeddings
from keras_bert_zoo.layers import TransformerBlock
from keras_bert_zoo.tokenization import Template
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import TokenSpans

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
START, PADDING, END, UNKNOWN, MASK = range(len(SPECIAL_TOKENS))

_FILE = "characters.json"
_SPACES = " \t\n\r\u00a0\u3000"


class CharacterTokenizer(Tokenizer):
    """Makes each character a token, except white space.

    Args:
        characters: str. Those that have a token of their own; the others are
            unknown.

    Raises:
        InputError: if a character occurs twice or is white space.
    """

    name = "characters"

    def __init__(self, characters: str):
        if len(set(characters)) < len(characters) or set(characters) & set(
            _SPACES
        ):
            raise InputError(
                "`characters` must be different, and none of them a space. "
                f"Received: {characters!r}."
            )
        self.characters = characters
        # The table is read in graphs: code point -> id, the last for all
        # that have none.
        codes = [ord(character) for character in characters]
        self._table = np.full(max(codes, default=0) + 2, UNKNOWN, np.int32)
        self._table[codes] = len(SPECIAL_TOKENS) + np.arange(len(codes))

    @property
    def tokens(self) -> Sequence[str]:
        return (*SPECIAL_TOKENS, *self.characters)

    @property
    def padding_id(self) -> int:
        return PADDING

    @property
    def mask_id(self) -> int:
        return MASK

    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        return self.tokenize_with_offsets(texts).ids

    def tokenize_with_offsets(
        self, texts: tf.Tensor | Sequence[str]
    ) -> TokenSpans:
        codes, byte_starts = tf.strings.unicode_decode_with_offsets(
            tf.convert_to_tensor(texts, tf.string), "UTF-8"
        )  # (B, None) each
        flat = codes.flat_values
        spaces = tf.constant([ord(space) for space in _SPACES])
        is_token = tf.reduce_all(flat[:, None] != spaces, axis=1)
        # A code point below 2**7, 2**11, 2**16 has one, two, three bytes.
        sizes = 1 + sum(
            tf.cast(flat >= bound, tf.int32)
            for bound in (1 << 7, 1 << 11, 1 << 16)
        )
        places = tf.ragged.range(tf.cast(codes.row_lengths(), tf.int32))
        starts = tf.cast(byte_starts.flat_values, tf.int32)
        table = tf.constant(self._table)
        ids = tf.gather(table, tf.minimum(flat, len(self._table) - 1))
        kept_before = tf.cumsum(tf.cast(is_token, tf.int64))
        row_splits = tf.gather(
            tf.concat([[0], kept_before], 0), codes.row_splits
        )

        def column(values):
            kept = tf.boolean_mask(values, is_token)
            return tf.RaggedTensor.from_row_splits(kept, row_splits)

        return TokenSpans(
            ids=column(ids),
            byte_starts=column(starts),
            byte_ends=column(starts + sizes),
            char_starts=column(places.flat_values),
            char_ends=column(places.flat_values + 1),
        )

    def template(self, num_segments: int) -> Template:
        between = ((END, END),) * (num_segments - 1)
        return Template(((START,), *between, (END,)))

    def maskable_tokens(self) -> np.ndarray:
        return np.arange(self.vocabulary_size) >= len(SPECIAL_TOKENS)

    def get_config(self) -> dict:
        return {"characters": self.characters}

    def save(self, directory: str | os.PathLike) -> None:
        path = pathlib.Path(directory) / _FILE
        path.write_text(json.dumps(self.get_config()), encoding="utf-8")

    @classmethod
    def load(
        cls, directory: str | os.PathLike, engine: str = "auto"
    ) -> "CharacterTokenizer":
        text = (pathlib.Path(directory) / _FILE).read_text(encoding="utf-8")
        return cls.from_config(json.loads(text)).with_engine(engine)

    @classmethod
    def recognizes(cls, directory: pathlib.Path) -> bool:
        return (directory / _FILE).is_file()


@keras.saving.register_keras_serializable(package="character_model")
class CharacterEncoder(keras.Model):
    """Reads characters: two inputs, blocks of BERT's kind, no pooler.

    Args:
        vocabulary_size: int. Number of tokens.
        num_layers, num_heads, hidden_dim, intermediate_dim: int. See
            `BertEncoder`.
        max_sequence_length: int. Most tokens in a sequence.

    Input: dict of int32 `(B, S)`: `token_ids`, `padding_mask`. Output: dict
    of `sequence_output`, `(B, S, H)`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        num_layers: int = 2,
        num_heads: int = 4,
        hidden_dim: int = 64,
        intermediate_dim: int = 128,
        max_sequence_length: int = 256,
        name: str | None = None,
        **kwargs,
    ):
        # Layers.
        embeddings = Embeddings(
            vocabulary_size,
            hidden_dim,
            max_sequence_length=max_sequence_length,
            num_segments=0,
            name="embeddings",
        )
        blocks = [
            TransformerBlock(
                num_heads, intermediate_dim, name=f"transformer_block_{index}"
            )
            for index in range(num_layers)
        ]

        # Functional model.
        inputs = {
            name: keras.Input((None,), dtype="int32", name=name)
            for name in (feature_names.TOKEN_IDS, feature_names.PADDING_MASK)
        }
        hidden = embeddings(inputs[feature_names.TOKEN_IDS])
        mask = AttentionMask(name="attention_mask")(
            inputs[feature_names.PADDING_MASK]
        )
        for block in blocks:
            hidden = block(hidden, mask)
        super().__init__(
            inputs=inputs,
            outputs={feature_names.SEQUENCE_OUTPUT: hidden},
            name=name or "encoder",
            **kwargs,
        )

        # Config.
        self.vocabulary_size = vocabulary_size
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.hidden_dim = hidden_dim
        self.intermediate_dim = intermediate_dim
        self.max_sequence_length = max_sequence_length

    @property
    def token_embedding(self):
        return self.get_layer("embeddings").token_embedding

    def get_config(self):
        return {
            "vocabulary_size": self.vocabulary_size,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "hidden_dim": self.hidden_dim,
            "intermediate_dim": self.intermediate_dim,
            "max_sequence_length": self.max_sequence_length,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)
