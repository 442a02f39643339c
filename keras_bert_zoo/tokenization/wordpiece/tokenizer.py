"""BERT's tokenizer: a WordPiece vocabulary, two options, an engine."""

import copy
import dataclasses
import functools
import os
import pathlib
import re
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import word_boundaries
from keras_bert_zoo.tokenization.packing import Template
from keras_bert_zoo.tokenization.packing import row_ids
from keras_bert_zoo.tokenization.tokenizer import Tokenizer
from keras_bert_zoo.tokenization.tokenizer import TokenSpans
from keras_bert_zoo.tokenization.wordpiece import huggingface_files
from keras_bert_zoo.tokenization.wordpiece import unicode_tables
from keras_bert_zoo.tokenization.wordpiece.added_tokens import AddedToken
from keras_bert_zoo.tokenization.wordpiece.fast_tokenizer import FastTokenizer
from keras_bert_zoo.tokenization.wordpiece.fast_tokenizer import (
    has_tensorflow_text,
)
from keras_bert_zoo.tokenization.wordpiece.graph_tokenizer import GraphTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import CONTINUATION
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

_ENGINES = {"fast": FastTokenizer, "graph": GraphTokenizer}

# Rows of the vocabulary that were left for others to name.
_UNUSED = re.compile(r"\[unused\d+\]")
# Beside the kinds of `word_boundaries`: what it stands for decides.
_UNKNOWN = 4


class BertTokenizer(Tokenizer):
    """Splits texts into the subwords of a BERT model.

    Packs `[CLS] a [SEP]` or `[CLS] a [SEP] b [SEP]`, with segment ids: 0 up
    to the first separator, then 1. All engines return the same ids and
    offsets.

    Args:
        vocabulary: Vocabulary, or what one is made of: a sequence of tokens,
            or the path of a file with one a line.
        lowercase: bool. True for uncased models.
        strip_accents: bool or None. None follows `lowercase`.
        engine: str. `fast` needs tensorflow-text; `graph` uses core ops only,
            so that what is saved loads anywhere; `auto` is `fast` where
            tensorflow-text can be imported.

    Raises:
        InputError: if the engine is unknown, or `fast` without
            tensorflow-text; or if the vocabulary breaks a rule of
            `Vocabulary`.

    Example:
        tokenizer = BertTokenizer("vocab.txt", lowercase=True)
        tokenizer.tokenize(["Hello, world!"])  # [[7592, 1010, 2088, 999]]

    Source: Devlin et al., 2019 (arXiv:1810.04805).
    """

    name = "wordpiece"

    def __init__(
        self,
        vocabulary: Vocabulary | Sequence[str] | str | os.PathLike,
        lowercase: bool,
        strip_accents: bool | None = None,
        engine: str = "auto",
    ):
        if isinstance(vocabulary, str | os.PathLike):
            vocabulary = Vocabulary.from_file(vocabulary)
        elif not isinstance(vocabulary, Vocabulary):
            vocabulary = Vocabulary(vocabulary)
        self.vocabulary = vocabulary
        self.lowercase = arguments.flag("lowercase", lowercase)
        self.strip_accents = strip_accents
        if strip_accents is not None:
            self.strip_accents = arguments.flag("strip_accents", strip_accents)
        self._engine_name = engine
        self._engines = {}
        _check_engine(engine)

    @property
    def tokens(self) -> Sequence[str]:
        return self.vocabulary.tokens

    @property
    def padding_id(self) -> int:
        return self.vocabulary.padding_id

    @property
    def mask_id(self) -> int:
        return self.vocabulary.mask_id

    def engine(self, name: str = "auto") -> FastTokenizer | GraphTokenizer:
        """Returns the engine object, built on first use.

        Args:
            name: str. `fast`, `graph` or `auto`.
        """
        _check_engine(name)
        if name == "auto":
            name = "fast" if has_tensorflow_text() else "graph"
        if name not in self._engines:
            self._engines[name] = _ENGINES[name](
                self.vocabulary, self.lowercase, self.strip_accents
            )
        return self._engines[name]

    def with_engine(self, engine: str) -> "BertTokenizer":
        """Returns this tokenizer run by `fast`, `graph` or `auto`."""
        _check_engine(engine)
        other = copy.copy(self)  # with the same engines, once they are built
        other._engine_name = engine
        return other

    def with_special_in_texts(self, found: bool) -> "BertTokenizer":
        vocabulary = Vocabulary(
            self.vocabulary.model_tokens,
            added=self.vocabulary.added,
            special_in_texts=found,
            **self.vocabulary.special_tokens(),
        )
        return BertTokenizer(
            vocabulary, self.lowercase, self.strip_accents, self._engine_name
        )

    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        return self.engine(self._engine_name).tokenize(texts)

    def tokenize_with_offsets(
        self, texts: tf.Tensor | Sequence[str]
    ) -> TokenSpans:
        return self.engine(self._engine_name).tokenize_with_offsets(texts)

    def template(self, num_segments: int) -> Template:
        vocabulary = self.vocabulary
        separators = ((vocabulary.separator_id,),) * num_segments
        return Template(
            ((vocabulary.start_id,), *separators),
            {"segment_ids": (0, 0, 0, 1, 1)[: 2 * num_segments + 1]},
        )

    def word_starts(self, texts: tf.Tensor, spans: TokenSpans) -> tf.Tensor:
        """Returns bool `(T,)`: which tokens of all texts begin a word.

        A subword that continues a word begins none, although a character
        that was dropped may stand before it.
        """
        rows = row_ids(spans.ids)
        starts, ends = (
            spans.byte_starts.flat_values,
            spans.byte_ends.flat_values,
        )
        kinds = tf.gather(
            tf.constant(self._token_kinds, tf.int32), spans.ids.flat_values
        )
        # A mark or an ideograph is a token of its own, in the vocabulary or
        # not.
        unknown = tf.where(kinds == _UNKNOWN)  # (U, 1)
        unknown_kinds = word_boundaries.kinds_of_texts(
            texts,
            *(
                tf.gather(column, unknown[:, 0])
                for column in (rows, starts, ends)
            ),
        )
        kinds = tf.tensor_scatter_nd_update(kinds, unknown, unknown_kinds)
        return word_boundaries.word_starts(kinds, rows, starts, ends)

    def continues_word(self) -> np.ndarray:
        return np.array(
            [
                token.startswith(CONTINUATION) and token != CONTINUATION
                for token in self._subwords
            ]
        )

    def token_texts(self) -> Sequence[str]:
        texts = [
            token.removeprefix(CONTINUATION) or token
            for token in self.vocabulary.model_tokens
        ]
        return [*texts, *self.tokens[len(texts) :]]

    def maskable_tokens(self) -> np.ndarray:
        special = set(self.vocabulary.special_tokens().values())
        special |= {one.content for one in self.vocabulary.added if one.special}
        return np.array(
            [
                token not in special and not _UNUSED.fullmatch(token)
                for token in self.tokens
            ]
        )

    def get_config(self) -> dict:
        added = [dataclasses.asdict(one) for one in self.vocabulary.added]
        in_texts = self.vocabulary.special_in_texts
        return {
            "tokens": list(self.vocabulary.model_tokens),
            **({"added_tokens": added} if added else {}),
            **({"special_in_texts": True} if in_texts else {}),
            "special_tokens": self.vocabulary.special_tokens(),
            "lowercase": self.lowercase,
            "strip_accents": self.strip_accents,
            "engine": self._engine_name,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "BertTokenizer":
        options = dict(config)
        added = [AddedToken(**one) for one in options.pop("added_tokens", ())]
        vocabulary = Vocabulary(
            options.pop("tokens"),
            added=added,
            special_in_texts=options.pop("special_in_texts", False),
            **options.pop("special_tokens"),
        )
        return cls(vocabulary, **options)

    def save(self, directory: str | os.PathLike) -> None:
        """Writes `vocab.txt`, `tokenizer_config.json`, `tokenizer.json`."""
        huggingface_files.write_files(
            directory, self.vocabulary, self.lowercase, self.strip_accents
        )

    @classmethod
    def load(
        cls, directory: str | os.PathLike, engine: str = "auto"
    ) -> "BertTokenizer":
        """Reads the tokenizer of a model directory.

        The vocabulary comes from `vocab.txt` or, where there is none, from
        `tokenizer.json`.

        Raises:
            InputError: if a file is missing or damaged, if it asks for
                another tokenizer than BERT's, or if nothing says whether the
                model is cased.
        """
        return cls(
            *huggingface_files.read_files(pathlib.Path(directory)),
            engine=engine,
        )

    @classmethod
    def recognizes(cls, directory: pathlib.Path) -> bool:
        return huggingface_files.are_wordpiece(directory)

    @property
    def _subwords(self) -> Sequence[str]:
        """All tokens by id; one that was added is none, and empty here."""
        subwords = self.vocabulary.model_tokens
        return [*subwords, *[""] * (len(self.tokens) - len(subwords))]

    @functools.cached_property
    def _token_kinds(self) -> list[int]:
        """What each token of the vocabulary is to a word."""
        tables = unicode_tables.load()
        unknown = self.tokens[self.vocabulary.unknown_id]
        added = {one.content for one in self.vocabulary.added}

        def kind(token):
            if token == unknown:
                return _UNKNOWN
            if token in added and not all(
                tables.kind(ord(character)) == unicode_tables.WORD
                for character in token
            ):
                return word_boundaries.MARK
            if token.startswith(CONTINUATION) and token != CONTINUATION:
                return word_boundaries.CONTINUATION
            if len(token) != 1:
                return word_boundaries.LETTERS
            if tables.is_ideograph(ord(token)):
                return word_boundaries.IDEOGRAPH
            if tables.kind(ord(token)) == unicode_tables.ISOLATED:
                return word_boundaries.MARK
            return word_boundaries.LETTERS

        return [kind(token) for token in self.tokens]


def _check_engine(name):
    if name != "auto" and name not in _ENGINES:
        raise InputError(
            "The engine must be one of auto, fast, graph. Received: "
            f"engine={name!r}."
        )
