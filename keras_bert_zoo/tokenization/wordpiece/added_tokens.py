"""Tokens that were added to a vocabulary, which texts spell as they are.

They are found before a text is split into words, the first and longest first:
those that are not normalized in the text as it is written, the others in the
normalized text, after their own text was normalized. What stands between them
is tokenized as usual.
"""

import dataclasses
import re
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_bert_zoo.errors import InputError

if TYPE_CHECKING:
    from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

# In characters.
MAX_LENGTH = 100
# In a normalized text one character stands for an added token: of a private
# plane, all of which cleaning drops from texts.
_FIRST_MARK = 0xF0000
_MAX_TOKENS = 0xFFFD + 1


@dataclasses.dataclass(frozen=True)
class AddedToken:
    """A token that stays whole wherever a text holds it.

    Args:
        content: str. Its text, of at most 100 characters.
        special: bool. Whether it is a special token: never masked, and never
            drawn in place of a masked one.
        normalized: bool. Whether case, accents and such make no difference;
            by default, where it is not special.
        lstrip, rstrip: bool. Whether the spaces beside it belong to it. No
            space is a token, so that this changes no id; offsets mark the
            token without them.

    Raises:
        InputError: if `content` is no text, empty, or too long.

    Source: `AddedToken` of Hugging Face `tokenizers`, without `single_word`.
    """

    content: str
    special: bool = False
    normalized: bool | None = None
    lstrip: bool = False
    rstrip: bool = False

    def __post_init__(self):
        content = self.content
        if not isinstance(content, str) or not 0 < len(content) <= MAX_LENGTH:
            raise InputError(
                f"An added token must have 1 to {MAX_LENGTH} characters. "
                f"Received: {content!r:.200}. Leave it out."
            )
        if self.normalized is None:
            object.__setattr__(self, "normalized", not self.special)


def marks(count: int) -> list[str]:
    """Returns the characters that stand for so many added tokens."""
    return [chr(_FIRST_MARK + index) for index in range(count)]


def check_number(added: Sequence[AddedToken]) -> None:
    """Checks that each added token has a mark and a text of its own.

    Raises:
        InputError: if there are too many, or two of one text.
    """
    if len(added) > _MAX_TOKENS:
        raise InputError(
            f"At most {_MAX_TOKENS} tokens can be added. Received: "
            f"{len(added)}. Make them part of the vocabulary."
        )
    texts = set()
    for token in added:
        if token.content in texts:
            raise InputError(
                f"A token must be added once. Received: {token.content!r} "
                "twice. Remove one of them."
            )
        texts.add(token.content)


def spellings(
    vocabulary: "Vocabulary", normalize: Callable[[str], str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Returns how texts spell the added tokens, and the mark of each.

    Those of special roles are left out, unless the vocabulary finds them in
    texts, too.

    Args:
        vocabulary: Vocabulary.
        normalize: function from a text to its normalized characters.

    Returns:
        Two dicts from a spelling to a mark: in texts as they are, and in
        normalized ones.

    Raises:
        InputError: if nothing is left of a token when it is normalized.
    """
    left_out = set()
    if not vocabulary.special_in_texts:
        left_out = set(vocabulary.special_tokens().values())
    written: dict[str, str] = {}
    normalized: dict[str, str] = {}
    added = zip(vocabulary.added, vocabulary.marks(), strict=True)
    # Where two tokens have one spelling, special ones come first.
    for token, mark in sorted(added, key=lambda one: not one[0].special):
        if token.content in left_out:
            continue
        if not token.normalized:
            written[token.content] = mark
            continue
        text = normalize(token.content)
        if not text:
            raise InputError(
                "An added token must have a text when it is normalized. "
                f"Received: {token.content!r}, of which nothing is left. "
                "Leave it out, or add it with normalized=False."
            )
        normalized.setdefault(text, mark)
    return written, normalized


def pattern(texts: Mapping[str, str]) -> re.Pattern | None:
    """Returns what finds the first and longest of some texts, if any."""
    ordered = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None
