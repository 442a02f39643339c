"""A WordPiece vocabulary: subwords and their ids."""

import hashlib
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from collections.abc import Set
from typing import Any

from keras_bert_zoo import atomic_io
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.added_tokens import AddedToken
from keras_bert_zoo.tokenization.wordpiece.added_tokens import check_number
from keras_bert_zoo.tokenization.wordpiece.added_tokens import marks

# What a subword that continues a word starts with.
CONTINUATION = "##"
# In characters; a longer word is the unknown token.
MAX_WORD_LENGTH = 100

SPECIAL_TOKENS = ("padding", "unknown", "start", "separator", "mask")


class Vocabulary:
    """Subwords in the order of their ids, with the five special tokens.

    A subword that continues a word starts with `##`.

    Args:
        tokens: sequence of str. The position is the id.
        added: sequence of `AddedToken`, which stay whole wherever a text
            holds them. Those that are not among `tokens` follow them.
        special_in_texts: bool. Whether the special tokens below are parsed
            where a text has them; else they are text like any other.
        padding: str. Fills rows to a common length.
        unknown: str. Stands for a word that has no split.
        start: str. First token of every sequence.
        separator: str. Ends every segment.
        mask: str. Masks a token in masked-language pre-training.

    Raises:
        InputError: if `tokens` is empty, holds a duplicate, an empty token or
            a line break, or lacks a special token; or if a token is added
            twice.

    Attributes:
        tokens: tuple of str. All of them, by id.
        model_tokens: tuple of str. Those that words are split into.
        added: tuple of `AddedToken`, in the order of their ids.
        special_in_texts: bool, as above.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        *,
        added: Sequence[AddedToken] = (),
        special_in_texts: bool = False,
        padding: str = "[PAD]",
        unknown: str = "[UNK]",
        start: str = "[CLS]",
        separator: str = "[SEP]",
        mask: str = "[MASK]",
    ):
        if isinstance(tokens, str | Mapping | Set) or not isinstance(
            tokens, Iterable
        ):
            raise InputError(
                "The tokens of a vocabulary stand in the order of their ids. "
                f"Received: {tokens!r:.40}. Give a list of them, or "
                "read a file that has one a line (`from_file`)."
            )
        self.model_tokens = tuple(tokens)
        check_number(added)
        known = set(self.model_tokens)
        roles = {padding, unknown, start, separator, mask} & known
        if special_in_texts:
            roles -= {one.content for one in added}
            added = [*added, *(AddedToken(one, special=True) for one in roles)]
        else:
            added = [one for one in added if one.content not in roles]
        self.special_in_texts = special_in_texts
        more = [one.content for one in added if one.content not in known]
        self.tokens = (*self.model_tokens, *more)
        self._ids = _ids_of(self.tokens)
        self.added = tuple(sorted(added, key=lambda one: self.get(one.content)))
        self.padding_id = self._special_id("padding", padding)
        self.unknown_id = self._special_id("unknown", unknown)
        self.start_id = self._special_id("start", start)
        self.separator_id = self._special_id("separator", separator)
        self.mask_id = self._special_id("mask", mask)

    @classmethod
    def from_file(cls, path: str | os.PathLike, **options: Any) -> "Vocabulary":
        """Reads one token a line, UTF-8; the first line is id 0.

        Args:
            path: the file.
            **options: arguments of the class, such as `added`.

        Raises:
            InputError: if the file is missing or not UTF-8, or breaks a rule
                of `Vocabulary`; the message names file and line.
        """
        path = pathlib.Path(path)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(
                "A vocabulary is a readable text file. Received: "
                f"{path} ({error.strerror}). Check the path."
            ) from error
        try:
            return cls(_lines(content), **options)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error

    def save(self, path: str | os.PathLike) -> None:
        """Writes one token a line, UTF-8; replaces the file at once.

        Without added tokens, as it is published.
        """
        with atomic_io.atomic_file(path) as temporary:
            temporary.write_bytes(self._content())

    @property
    def sha256(self) -> str:
        """SHA-256, in hexadecimal, of the bytes that `save` writes."""
        return hashlib.sha256(self._content()).hexdigest()

    def token_to_id(self, token: str) -> int:
        """Returns the id of a token that the vocabulary holds.

        Raises:
            InputError: if it does not hold the token.
        """
        try:
            return self._ids[token]
        except KeyError:
            raise InputError(
                f"A token must be one of the vocabulary's {len(self)}. "
                f"Received: {token!r}. Tokenize text first; subwords inside a "
                "word start with ##."
            ) from None

    def id_to_token(self, token_id: int) -> str:
        """Returns the token of an id.

        Raises:
            InputError: if the id is negative or not below the size.
        """
        if not 0 <= token_id < len(self):
            raise InputError(
                f"A token id must lie in [0, {len(self)}). Received: "
                f"{token_id}. Use the vocabulary that the ids were made with."
            )
        return self.tokens[token_id]

    def get(self, token: str) -> int | None:
        """Returns the id of a token, or None if the vocabulary lacks it."""
        return self._ids.get(token)

    def subword_id(self, token: str) -> int | None:
        """Returns the id of a part of words, or None if it is none."""
        token_id = self._ids.get(token)
        is_subword = token_id is not None and token_id < len(self.model_tokens)
        return token_id if is_subword else None

    def marks(self) -> dict[str, int]:
        """Returns the ids of the added tokens by the marks of `added`."""
        ids = [self._ids[one.content] for one in self.added]
        return dict(zip(marks(len(ids)), ids, strict=True))

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._ids

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return (
            self.model_tokens == other.model_tokens
            and self.added == other.added
            and self.special_in_texts == other.special_in_texts
            and self._special_ids() == other._special_ids()
        )

    def __hash__(self) -> int:
        return hash((self.tokens, self.added, self._special_ids()))

    def special_tokens(self) -> dict[str, str]:
        """Returns the special tokens by the names of the arguments."""
        ids = self._special_ids()
        return {
            name: self.tokens[token_id]
            for name, token_id in zip(SPECIAL_TOKENS, ids, strict=True)
        }

    def _special_ids(self) -> tuple[int, ...]:
        return (
            self.padding_id,
            self.unknown_id,
            self.start_id,
            self.separator_id,
            self.mask_id,
        )

    def _special_id(self, role: str, token: str) -> int:
        if token not in self._ids:
            raise InputError(
                f"A vocabulary must hold its {role} token. Received: "
                f"{len(self)} tokens without {token!r}. Add it, or name "
                f"another one with {role}=."
            )
        return self._ids[token]

    def _content(self) -> bytes:
        return "".join(f"{token}\n" for token in self.model_tokens).encode()


def _lines(content: bytes) -> list[str]:
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        lines.pop()
    tokens = []
    for number, line in enumerate(lines, start=1):
        try:
            tokens.append(line.removesuffix(b"\r").decode())
        except UnicodeDecodeError as error:
            raise InputError(
                f"line {number}: a vocabulary must be UTF-8. Received: "
                f"{line!r}. Save the file as UTF-8."
            ) from error
    return tokens


def _ids_of(tokens: tuple[str, ...]) -> dict[str, int]:
    if not tokens:
        raise InputError(
            "A vocabulary must hold tokens. Received: none. Give the "
            "vocabulary that the checkpoint was trained with."
        )
    ids = {}
    for number, token in enumerate(tokens, start=1):
        if not isinstance(token, str):
            raise InputError(
                f"line {number}: a token must be a str. Received: {token!r}. "
                "Decode it first."
            )
        if not token or "\n" in token or "\r" in token:
            raise InputError(
                f"line {number}: a token must be text without line breaks. "
                f"Received: {token!r}. Remove the line."
            )
        if token in ids:
            raise InputError(
                f"line {number}: a token must occur once. Received: "
                f"{token!r}, which is on line {ids[token] + 1} already. "
                "Remove one of them."
            )
        ids[token] = number - 1
    return ids
