"""The tokenizer that a model holds: a vocabulary, two options, an engine."""

import json
import os
import pathlib
from collections.abc import Sequence

import tensorflow as tf

import keras_bert_zoo
from keras_bert_zoo import files
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.tokenizer import TokenSpans
from keras_bert_zoo.tokenization.wordpiece.fast_tokenizer import FastTokenizer
from keras_bert_zoo.tokenization.wordpiece.fast_tokenizer import (
    has_tensorflow_text,
)
from keras_bert_zoo.tokenization.wordpiece.graph_tokenizer import GraphTokenizer
from keras_bert_zoo.tokenization.wordpiece.huggingface_files import (
    read_huggingface_options,
)
from keras_bert_zoo.tokenization.wordpiece.vocabulary import SPECIAL_TOKENS
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

VOCABULARY_FILE = "vocab.txt"
CONFIG_FILE = "tokenizer.json"

_FORMAT = "keras-bert-zoo tokenizer"
_ENGINES = {"fast": FastTokenizer, "graph": GraphTokenizer}


class BertTokenizer:
    """Splits texts into the word pieces of a BERT model.

    Both engines return the same ids and offsets.

    Args:
        vocabulary: Vocabulary.
        lowercase: bool. True for uncased models.
        strip_accents: bool or None. None follows `lowercase`.
        engine: str. `fast` needs tensorflow-text; `graph` uses core ops only,
            so that what is saved loads anywhere; `auto` is `fast` where
            tensorflow-text can be imported.

    Raises:
        InputError: if the engine is unknown, or `fast` without
            tensorflow-text.

    Example:
        tokenizer = BertTokenizer(Vocabulary.from_file("vocab.txt"), True)
        tokenizer.tokenize(["Hello, world!"])  # [[7592, 1010, 2088, 999]]
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        lowercase: bool,
        strip_accents: bool | None = None,
        engine: str = "auto",
    ):
        self.vocabulary = vocabulary
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self._engine_name = engine
        self._engines = {}
        _check_engine(engine)

    @classmethod
    def from_preset(
        cls, preset: str | os.PathLike, engine: str = "auto"
    ) -> "BertTokenizer":
        """Loads a tokenizer from where `BertEncoder.from_preset` loads.

        Args:
            preset: a preset's name, a model's directory, or
                `hf:ORGANIZATION/NAME`.
            engine: str. See the class.

        Raises:
            InputError: if there is no vocabulary, or it cannot be fetched.
        """
        # By the package's lazy name: this room stands above that of presets.
        return keras_bert_zoo.load_tokenizer(preset, engine)

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

    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        """Returns token ids, int32 (B, None), of string (B,)."""
        return self.engine(self._engine_name).tokenize(texts)

    def tokenize_with_offsets(
        self, texts: tf.Tensor | Sequence[str]
    ) -> TokenSpans:
        """Returns token ids and their spans of string (B,)."""
        return self.engine(self._engine_name).tokenize_with_offsets(texts)

    def get_config(self) -> dict:
        """Returns the arguments other than the vocabulary."""
        return {
            "lowercase": self.lowercase,
            "strip_accents": self.strip_accents,
            "engine": self._engine_name,
        }

    def save(self, directory: str | os.PathLike) -> None:
        """Writes `vocab.txt` and `tokenizer.json`."""
        directory = pathlib.Path(directory)
        self.vocabulary.save(directory / VOCABULARY_FILE)
        config = {
            "format": _FORMAT,
            "lowercase": self.lowercase,
            "strip_accents": self.strip_accents,
            "special_tokens": self.vocabulary.special_tokens(),
            "vocabulary_sha256": self.vocabulary.sha256,
        }
        with files.atomic_file(directory / CONFIG_FILE) as temporary:
            text = json.dumps(config, indent=2, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(
        cls, directory: str | os.PathLike, engine: str = "auto"
    ) -> "BertTokenizer":
        """Reads what `save` wrote, or a Hugging Face directory.

        Args:
            directory: the directory.
            engine: str. See the class.

        Raises:
            InputError: if files are missing or damaged, if the vocabulary is
                not the one that was saved, or if nothing says whether the
                model is cased.
        """
        directory = pathlib.Path(directory)
        options = _saved_options(directory / CONFIG_FILE)
        if options is None:
            options = read_huggingface_options(directory)
        if "lowercase" not in options:
            raise InputError(
                "A tokenizer's directory must say whether the model is cased. "
                f"Received: {directory} without {CONFIG_FILE} and without "
                "tokenizer_config.json. Build it with BertTokenizer("
                "Vocabulary.from_file(...), lowercase=...)."
            )
        special_tokens = options.get("special_tokens", {})
        path = directory / VOCABULARY_FILE
        if "tokens" in options and not path.exists():
            vocabulary = Vocabulary(options["tokens"], **special_tokens)
        else:
            vocabulary = Vocabulary.from_file(path, **special_tokens)
        sha256 = options.get("vocabulary_sha256", vocabulary.sha256)
        if vocabulary.sha256 != sha256:
            raise InputError(
                f"{path} must be the vocabulary that was saved with "
                f"{CONFIG_FILE}. Received: sha256 {vocabulary.sha256}, "
                f"recorded {sha256}. Restore the file."
            )
        return cls(
            vocabulary,
            options["lowercase"],
            options.get("strip_accents"),
            engine=engine,
        )


def _check_engine(name):
    if name != "auto" and name not in _ENGINES:
        raise InputError(
            "The engine must be one of auto, fast, graph. Received: "
            f"engine={name!r}."
        )


def _saved_options(path):
    """Returns the options, or None if `save` did not write the file."""
    try:
        options = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # the Hugging Face reader reports what is wrong
    if not isinstance(options, dict) or options.get("format") != _FORMAT:
        return None
    tokens = options.get("special_tokens")
    if (
        not isinstance(options.get("lowercase"), bool)
        or not isinstance(options.get("strip_accents"), bool | None)
        or not isinstance(tokens, dict)
        or not set(tokens) <= set(SPECIAL_TOKENS)
        or not all(isinstance(token, str) for token in tokens.values())
    ):
        raise InputError(
            f"{path} must give lowercase and strip_accents as true or false, "
            f"and special_tokens by the names {', '.join(SPECIAL_TOKENS)}. "
            "Received: another form. Restore the file."
        )
    return options
