"""A vocabulary that is learned from texts: what every kind has in common."""

import abc
import json
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import tokenizers

from keras_bert_zoo.errors import InputError

FAST_FILE = "tokenizer.json"
_CONFIG_FILE = "tokenizer_config.json"


class TrainedVocabulary(abc.ABC):
    """The tokens that a corpus is best made of, and the files that hold them.

    A kind is a subclass, named in the entry-point group
    `keras_bert_zoo.vocabularies`. Its files are those that the family's
    tokenizers are published in; one of them is `tokenizer.json`.
    """

    @classmethod
    @abc.abstractmethod
    def trained_on(
        cls,
        texts: Iterable[str],
        size: int,
        *,
        cased: bool | None = None,
        min_frequency: int = 2,
        reserved: Sequence[str] = (),
    ) -> "TrainedVocabulary":
        """Learns a vocabulary: the same texts give the same one.

        Args:
            texts: read once, and not held.
            size: int. Maximum number of tokens of the vocabulary.
            cased: bool. Whether case and accents are kept; `None` for what
                the family publishes.
            min_frequency: int. How often what becomes a token must occur.
            reserved: tokens that are to be there, for others to name.

        Raises:
            InputError: if there are no words, or `size` is too small.
        """

    @classmethod
    @abc.abstractmethod
    def recognizes(cls, directory: pathlib.Path) -> bool:
        """Returns whether a directory's files hold a vocabulary like this."""

    @property
    @abc.abstractmethod
    def num_tokens(self) -> int:
        """Size of the vocabulary."""

    @abc.abstractmethod
    def save(self, directory: str | os.PathLike) -> None:
        """Writes the files."""

    @abc.abstractmethod
    def encoded(
        self, directory: pathlib.Path, sentences: Sequence[str]
    ) -> Iterator[tuple[str, Sequence[Sequence[int]]]]:
        """Yields a name and ids from each tokenizer that reads the files.

        Args:
            directory: where the vocabulary was saved.
            sentences: `N` texts, without special tokens.
        """

    def agree(self, ids: Sequence[int], other: Sequence[int]) -> bool:
        """Returns whether ids of a text are what others may give, too."""
        return list(ids) == list(other)

    def check_saved(
        self, directory: pathlib.Path, sentences: Sequence[str]
    ) -> int:
        """Checks that `tokenizers` gives the ids that all others give.

        Args:
            directory: where the vocabulary was saved.
            sentences: texts. Those with an added token in them are left out:
                it may stand for itself there.

        Returns:
            How many sentences were compared.

        Raises:
            InputError: if ids differ.
        """
        reader = tokenizers.Tokenizer.from_file(str(directory / FAST_FILE))
        added = [
            one.content for one in reader.get_added_tokens_decoder().values()
        ]
        sentences = [
            one for one in sentences if not any(token in one for token in added)
        ]
        expected = reader.encode_batch(sentences, add_special_tokens=False)
        for name, rows in self.encoded(directory, sentences):
            for sentence, ids, one in zip(
                sentences, rows, expected, strict=True
            ):
                if not self.agree(ids, one.ids):
                    raise InputError(
                        "All tokenizers of a vocabulary must give the same "
                        f"ids. Received: others from {name} than from "
                        f"`tokenizers` for {sentence!r:.80}. Report this, "
                        "please."
                    )
        return len(sentences)


def write_fast_files(
    directory: pathlib.Path,
    tokenizer: tokenizers.Tokenizer,
    config: Mapping[str, Any],
) -> None:
    """Writes `tokenizer.json`, and what `transformers` reads beside it.

    Args:
        directory: where to write.
        tokenizer: what to write.
        config: class, options and special tokens of `tokenizer_config.json`.
    """
    tokenizer.save(str(directory / FAST_FILE))
    added = json.loads(tokenizer.to_str())["added_tokens"]
    config = {
        **config,
        "added_tokens_decoder": {str(one.pop("id")): one for one in added},
    }
    text = json.dumps(config, indent=2, ensure_ascii=False)
    (directory / _CONFIG_FILE).write_text(text + "\n", "utf-8")


def fixed_tokens(special: Sequence[str], reserved: Sequence[str]) -> list[str]:
    """Returns the tokens that a vocabulary begins with.

    Args:
        special: what the family publishes.
        reserved: what a user asks for.

    Raises:
        InputError: if a token occurs twice, or holds a space.
    """
    found = [*special, *reserved]
    for index, token in enumerate(found):
        if token in found[:index] or token.split() != [token]:
            raise InputError(
                "A reserved token must have no space, differ from the others, "
                f"and from {', '.join(special)}. Received: {token!r:.40}."
            )
    return found
