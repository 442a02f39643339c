"""The contract of a tokenizer, and which one a directory needs."""

import abc
import copy
import dataclasses
import functools
import hashlib
import os
import pathlib
import tempfile
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import keras_bert_zoo
from keras_bert_zoo import feature_names
from keras_bert_zoo import registry
from keras_bert_zoo import storage
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import word_boundaries
from keras_bert_zoo.tokenization.packing import PackedSequences
from keras_bert_zoo.tokenization.packing import Template
from keras_bert_zoo.tokenization.packing import pack
from keras_bert_zoo.tokenization.packing import pad
from keras_bert_zoo.tokenization.packing import row_ids


@dataclasses.dataclass(frozen=True)
class TokenSpans:
    """The tokens of `B` texts and where they stand, all int32 (B, None).

    Starts are inclusive, ends exclusive, both counted in the user's own
    string; bytes are those of its UTF-8 form.
    """

    ids: tf.RaggedTensor
    byte_starts: tf.RaggedTensor
    byte_ends: tf.RaggedTensor
    char_starts: tf.RaggedTensor
    char_ends: tf.RaggedTensor


class Tokenizer(abc.ABC):
    """Turns texts into token ids, and token ids into an encoder's inputs.

    What a family does in its own way is decided here: how text becomes
    tokens, which special tokens stand around segments, which tokens begin
    words, and in which files the tokenizer is published. Heads, input
    pipelines and exporters ask, and know no family.

    A sequence begins with a special token, which heads may read as the
    vector of the whole sequence, or as "nothing in this text".

    A package adds a tokenizer by naming its class in the entry-point group
    `keras_bert_zoo.tokenizers`; `keras_bert_zoo.testing.check_tokenizer`
    holds it against this contract. Subclasses set `name`, the name there.
    """

    name: str = ""
    _left_out: frozenset = frozenset()

    @property
    @abc.abstractmethod
    def tokens(self) -> Sequence[str]:
        """The vocabulary: all tokens, in the order of their ids."""

    @property
    @abc.abstractmethod
    def padding_id(self) -> int:
        """The id that fills sequences to a common length."""

    @property
    @abc.abstractmethod
    def mask_id(self) -> int:
        """The id that masks a token in masked-language modelling."""

    @abc.abstractmethod
    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        """Returns token ids, int32 `(B, None)`, of string `(B,)`.

        Without special tokens. Runs eagerly, inside a graph and in a tf.data
        pipeline.
        """

    @abc.abstractmethod
    def tokenize_with_offsets(
        self, texts: tf.Tensor | Sequence[str]
    ) -> TokenSpans:
        """Returns the same ids, and where they stand in string `(B,)`."""

    @abc.abstractmethod
    def template(self, num_segments: int) -> Template:
        """Returns the special tokens around one segment, or around two."""

    @abc.abstractmethod
    def maskable_tokens(self) -> np.ndarray:
        """Returns bool `(V,)`: the tokens that text is made of.

        Masked-language modelling masks these alone, and draws these alone in
        a masked one's place.
        """

    @abc.abstractmethod
    def get_config(self) -> dict:
        """Returns what `from_config` takes, JSON-able.

        The vocabulary stands in it as `tokens`, and how the tokenizer is run,
        if there is a choice, as `engine`.
        """

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Tokenizer":
        return cls(**config)

    @abc.abstractmethod
    def save(self, directory: str | os.PathLike) -> None:
        """Writes the files that the family's tokenizers are published in."""

    @classmethod
    @abc.abstractmethod
    def load(
        cls, directory: str | os.PathLike, engine: str = "auto"
    ) -> "Tokenizer":
        """Reads what `save` wrote, or others published.

        Args:
            directory: the directory.
            engine: str. See `with_engine`.

        Raises:
            InputError: if a file is missing or damaged.
        """

    @classmethod
    def from_preset(
        cls, preset: str | os.PathLike, engine: str = "auto"
    ) -> "Tokenizer":
        """Loads the tokenizer from where `BertEncoder.from_preset` loads.

        Args:
            preset: a preset's name, a model's directory, or
                `hf:ORGANIZATION/NAME`.
            engine: str. See `with_engine`.

        Raises:
            InputError: if there is no tokenizer, one of another class, or it
                cannot be fetched.
        """
        # By the package's lazy name: this room stands above that of presets.
        tokenizer = keras_bert_zoo.load_tokenizer(preset, engine)
        if not isinstance(tokenizer, cls):
            raise InputError(
                f"{preset} must hold a {cls.__name__}. Received: a "
                f"{type(tokenizer).__name__}. Call its own `from_preset`, or "
                "`load_tokenizer`."
            )
        return tokenizer

    @classmethod
    @abc.abstractmethod
    def recognizes(cls, directory: pathlib.Path) -> bool:
        """Returns whether a directory's files are for this tokenizer."""

    def with_engine(self, engine: str) -> "Tokenizer":
        """Returns this tokenizer run in another way, with the same ids.

        Args:
            engine: str. `graph` uses operations of TensorFlow's core alone,
                so that what is saved loads anywhere; `auto` is the fastest
                here; a family may have others.

        Raises:
            InputError: if the tokenizer has no such engine.
        """
        if engine not in ("auto", "graph"):
            raise InputError(
                f"The tokenizer {self.name!r} has the engine graph alone. "
                f"Received: engine={engine!r}."
            )
        return self

    def with_special_in_texts(self, found: bool) -> "Tokenizer":
        """Returns a copy that parses special tokens in texts, or does not.

        Args:
            found: bool. Whether a special token, such as a separator, that a
                text spells is that token, as in Hugging Face's tokenizers;
                else it is text like any other.

        Raises:
            InputError: if the tokenizer has one rule alone.
        """
        raise InputError(
            f"The tokenizer {self.name!r} has one rule for special tokens in "
            f"texts. Received: special_in_texts={found!r}. Leave it out."
        )

    def word_starts(self, texts: tf.Tensor, spans: TokenSpans) -> tf.Tensor:
        """Returns bool `(T,)`: which tokens of all texts begin a word.

        A word stands between spaces, without the punctuation at its ends:
        each mark there, and each ideograph, is a word of its own.

        Here tokens that touch are parts of a word. A family whose offsets
        leave gaps inside words decides otherwise.

        Args:
            texts: string `(B,)`.
            spans: their tokens, `T` in all.
        """
        rows = row_ids(spans.ids)
        kinds = word_boundaries.kinds_of_texts(
            texts,
            rows,
            spans.byte_starts.flat_values,
            spans.byte_ends.flat_values,
        )
        return word_boundaries.word_starts(
            kinds,
            rows,
            spans.byte_starts.flat_values,
            spans.byte_ends.flat_values,
        )

    def continues_word(self) -> np.ndarray:
        """Returns bool `(V,)`: the tokens that only stand inside of a word.

        Pre-training masks whole words by it, and finds the tokens of another
        vocabulary.

        Raises:
            InputError: if the tokens do not tell.
        """
        raise InputError(
            f"The tokenizer {self.name!r} does not know where words begin. "
            "Received: whole words to mask, or another vocabulary than a "
            "preset's. Mask single tokens, or keep the preset's vocabulary."
        )

    def token_texts(self) -> Sequence[str]:
        """Returns what each token is in a text, in the order of the ids.

        That is, without what marks it as the beginning or the rest of a word.
        """
        return self.tokens

    @property
    def vocabulary_size(self) -> int:
        return len(self.tokens)

    @functools.cached_property
    def vocabulary_sha256(self) -> str:
        """SHA-256, in hexadecimal, of the tokens, each on a line, UTF-8."""
        content = "".join(f"{token}\n" for token in self.tokens).encode()
        return hashlib.sha256(content).hexdigest()

    def description(self) -> dict:
        """Returns what decides the ids, JSON-able; tokens by their hash."""
        config = self.get_config()
        return {
            "name": self.name,
            "vocabulary_sha256": self.vocabulary_sha256,
            **{k: v for k, v in config.items() if k not in _NOT_DESCRIBED},
        }

    def num_special_tokens(self, num_segments: int) -> int:
        """Returns how many special tokens `pack` adds to a sequence."""
        return self.template(num_segments).num_special_tokens

    def pack(
        self, segments: Sequence[tf.RaggedTensor], sequence_length: int
    ) -> PackedSequences:
        """Joins one or two segments and the special tokens around them.

        Args:
            segments: one or two ragged int32 `(B, None)`.
            sequence_length: int. Maximum number of tokens in a sequence,
                special ones included. What does not fit is cut from the
                segments' ends, the longer one first.

        Raises:
            InputError: if there are no segments or more than two, or if
                `sequence_length` has no room for the special tokens.
        """
        if len(segments) not in (1, 2):
            raise InputError(
                "A sequence is packed from one or two segments. Received: "
                f"{len(segments)}. Join the others first."
            )
        template = self.template(len(segments))
        if self._left_out:
            template = template.without_inputs(self._left_out)
        return pack(segments, template, sequence_length)

    def pad(
        self,
        inputs: Mapping[str, tf.RaggedTensor],
        sequence_length: int | tf.Tensor | None = None,
        *,
        extra_length: int | tf.Tensor | None = None,
        extra: Collection[str] = (),
    ) -> dict[str, tf.Tensor]:
        """Makes packed inputs dense, and adds `padding_mask`.

        Args:
            inputs: of `PackedSequences`, or of `Features`.
            sequence_length: int, int scalar or `None`. What sequences are
                padded or cut to; the longest of the batch if `None`.
            extra_length, extra: see `packing.pad`.

        Returns:
            dict of int32 `(B, S)`.
        """
        return pad(
            inputs,
            padding_id=self.padding_id,
            sequence_length=sequence_length,
            extra_length=extra_length,
            extra=extra,
        )

    def for_encoder(self, input_names: Iterable[str]) -> "Tokenizer":
        """Returns this tokenizer, packing what an encoder reads alone.

        Args:
            input_names: names of the encoder's inputs.

        Raises:
            InputError: if the encoder reads more than the tokenizer gives.
        """
        wanted = set(input_names) - {feature_names.PADDING_MASK}
        provided = {feature_names.TOKEN_IDS, *self.template(1).inputs}
        if not wanted <= provided:
            raise InputError(
                f"The encoder must read what the tokenizer {self.name!r} "
                f"gives: {', '.join(sorted(provided))}. Received: an encoder "
                f"that reads {', '.join(sorted(wanted - provided))} too. Use "
                "the tokenizer of its family."
            )
        left_out = frozenset(provided - wanted)
        if left_out == self._left_out:
            return self
        other = copy.copy(self)
        other._left_out = left_out
        return other


# Of a tokenizer's file; a model's weights may lie beside it.
_MOST_BYTES = 64 * 2**20
_NOT_DESCRIBED = ("tokens", "engine")


def find_tokenizer(directory: str | os.PathLike) -> type[Tokenizer] | None:
    """Returns the registered tokenizer that a directory's files are for.

    Raises:
        InputError: if more than one recognizes them.
    """
    directory = pathlib.Path(directory)
    recognizing = {
        name: kind
        for name in registry.tokenizers.names()
        if (kind := registry.tokenizers.get(name)).recognizes(directory)
    }
    if len(recognizing) > 1:
        raise InputError(
            "A directory's files must be for one tokenizer. Received: "
            f"{directory}, recognized by {' and '.join(recognizing)}. Call "
            "`load` of the one that is meant."
        )
    return next(iter(recognizing.values()), None)


def load_tokenizer(
    directory: str | os.PathLike, engine: str = "auto"
) -> Tokenizer:
    """Returns the tokenizer whose files lie in a directory.

    Args:
        directory: the directory, or one of the files; a path or URL.
        engine: str. See `Tokenizer.with_engine`.

    Raises:
        InputError: if no registered tokenizer recognizes the files, or one
            of them is damaged.
    """
    if storage.is_url(directory):
        return _load_from_url(os.fspath(directory), engine)
    if pathlib.Path(directory).is_file():
        # One of the files, such as a vocabulary.
        directory = pathlib.Path(directory).parent
    kind = find_tokenizer(directory)
    if kind is None:
        known = registry.vocabularies
        for name in known.names():
            if known.get(name).recognizes(pathlib.Path(directory)):
                raise InputError(
                    f"No registered tokenizer reads a {name} vocabulary: it is "
                    "for other libraries. Received: "
                    f"{directory}. Learn another with `bert-zoo vocabulary "
                    f"--kind wordpiece`."
                )
        raise InputError(
            "A tokenizer's directory must hold the files of a registered "
            f"one: {', '.join(registry.tokenizers.names())}. Received: "
            f"{directory}, with {_listed(pathlib.Path(directory))}. Learn one "
            "with `bert-zoo vocabulary`; a package adds other tokenizers "
            f"through the entry-point group {registry.tokenizers.group!r}."
        )
    try:
        return kind.load(directory, engine=engine)
    except InputError:
        raise
    # Whatever a package's tokenizer makes of files that it did not write.
    except Exception as error:
        raise InputError(
            f"{directory} must hold the files that {kind.__name__} wrote. "
            f"Received what it cannot read: {str(error):.200}. Copy the "
            "tokenizer again."
        ) from error


def _load_from_url(url: str, engine: str) -> Tokenizer:
    files = storage.files_of(url)
    if files.is_file(url):
        url = files.parent(url)
    with tempfile.TemporaryDirectory() as copy_of_url:
        for name in files.names(url):
            path = files.join(url, name)
            if files.is_file(path) and files.size(path) <= _MOST_BYTES:
                content = files.open(path).readall()
                pathlib.Path(copy_of_url, name).write_bytes(content)
        try:
            return load_tokenizer(copy_of_url, engine)
        except InputError as error:
            message = str(error).replace(copy_of_url, url)
            raise InputError(message) from error


def _listed(directory: pathlib.Path) -> str:
    try:
        names = sorted(path.name for path in directory.iterdir())
    except OSError:
        return "no such directory"
    return ", ".join(names[:20]) or "no files"
