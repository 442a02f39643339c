"""The published BERT tokenizer in plain Python: the specification.

Five steps, each on characters that remember where they came from; tokens that
were added to the vocabulary stay whole (see `added_tokens`):

1. clean: drop control, format and private characters, U+0000 and U+FFFD;
   every white space becomes a space.
2. isolate ideographs: each CJK character is a word of its own.
3. strip accents: decompose canonically (NFD), drop nonspacing marks.
4. lower-case, one character at a time.
5. split at spaces and around punctuation; split each word into the longest
   subwords of the vocabulary, from left to right. A word that has no split,
   or more than 100 characters, is the unknown token.
"""

import dataclasses

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece import unicode_tables
from keras_bert_zoo.tokenization.wordpiece.added_tokens import pattern
from keras_bert_zoo.tokenization.wordpiece.added_tokens import spellings
from keras_bert_zoo.tokenization.wordpiece.vocabulary import CONTINUATION
from keras_bert_zoo.tokenization.wordpiece.vocabulary import MAX_WORD_LENGTH
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary


@dataclasses.dataclass(frozen=True, slots=True)
class Token:
    """A subword and where it stands in the user's own string.

    Starts are inclusive, ends exclusive. Bytes are those of UTF-8.
    """

    id: int
    text: str
    char_start: int
    char_end: int
    byte_start: int
    byte_end: int


class PythonTokenizer:
    """Splits a text into subwords, without TensorFlow or numpy.

    Args:
        vocabulary: Vocabulary.
        lowercase: bool. True for uncased models.
        strip_accents: bool or None. None follows `lowercase`, as the
            published models do.

    Source: Devlin et al., 2019 (arXiv:1810.04805); equal, id for id and
    offset for offset, to Hugging Face `tokenizers`.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        lowercase: bool,
        strip_accents: bool | None = None,
    ):
        self.vocabulary = vocabulary
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self._strips = lowercase if strip_accents is None else strip_accents
        self._tables = unicode_tables.load()
        self._kinds = {}
        self.added_spellings = spellings(vocabulary, self.normalized)
        self._added = [pattern(texts) for texts in self.added_spellings]

    def normalized(self, text: str) -> str:
        """Returns a text's normalized characters; white space as a space."""
        return _joined(self._normalize(text, 0))

    def tokenize(self, text: str) -> list[Token]:
        """Returns the tokens of one text; adds no special tokens.

        Raises:
            InputError: if `text` is not a str, or holds a lone surrogate and
                so has no UTF-8 form.
        """
        byte_offsets = _byte_offsets(text)
        return [
            Token(
                id=token_id,
                text=self.vocabulary.tokens[token_id],
                char_start=start,
                char_end=end,
                byte_start=byte_offsets[start],
                byte_end=byte_offsets[end],
            )
            for token_id, start, end in self._tokens(text)
        ]

    def _tokens(self, text):
        """Returns (id, start, end) triples in characters of the text."""
        marks = self.vocabulary.marks()
        for start, end, mark in self._parts(0, text):
            if mark is not None:
                yield marks[mark], start, end
                continue
            characters = self._normalize(text[start:end], start)
            for first, last, mark in self._parts(1, _joined(characters)):
                part = characters[first:last]
                if mark is not None:
                    yield marks[mark], part[0][2], part[-1][2] + 1
                    continue
                for word in self._words(part):
                    yield from self._subwords(word)

    def _parts(self, which, text):
        """Returns (start, end, mark) of added tokens and what is between."""
        pattern, start = self._added[which], 0
        for found in pattern.finditer(text) if pattern else ():
            yield start, found.start(), None
            start = found.end()
            mark = self.added_spellings[which][found.group()]
            yield found.start(), start, mark
        yield start, len(text), None

    def _normalize(self, text, first):
        """Returns (character, kind, origin) triples; origin is an index.

        Args:
            text: the text.
            first: the index of its first character.
        """
        characters = []
        for origin, character in enumerate(text, start=first):
            kind = self._kind(character)
            if kind != unicode_tables.REMOVED:
                characters.append((character, kind, origin))
        if self._strips and not text.isascii():
            characters = self._strip(characters)
        if self.lowercase:
            lower = self._tables.lowercase
            characters = [
                (part, kind, origin)
                for character, kind, origin in characters
                for part in lower.get(ord(character), character)
            ]
        return characters

    def _strip(self, characters):
        parts = []
        for character, kind, _ in characters:
            for index, part in enumerate(
                self._tables.decompose(ord(character))
            ):
                if part == character or self._tables.is_ideograph(
                    ord(character)
                ):
                    part_kind = kind
                else:
                    part_kind = self._kind(part)
                parts.append((part, part_kind, index == 0))
        return [
            (part, kind, characters[index][2])
            for part, kind, index in _in_canonical_order(
                parts, self._tables.combining_classes
            )
            if not self._tables.is_nonspacing(ord(part))
        ]

    def _words(self, characters):
        word = []
        for item in characters:
            kind = item[1]
            if kind == unicode_tables.WORD:
                word.append(item)
                continue
            if word:
                yield word
                word = []
            if kind == unicode_tables.ISOLATED:
                yield [item]
        if word:
            yield word

    def _subwords(self, word):
        """Returns (id, start, end) triples in characters of the text."""
        unknown = (
            self.vocabulary.unknown_id,
            word[0][2],
            word[-1][2] + 1,
        )
        if len(word) > MAX_WORD_LENGTH:
            return [unknown]
        text = "".join(item[0] for item in word)
        subwords = []
        start = 0
        while start < len(text):
            prefix = CONTINUATION if start else ""
            for end in range(len(text), start, -1):
                token_id = self.vocabulary.subword_id(prefix + text[start:end])
                if token_id is not None:
                    break
            else:
                return [unknown]
            subwords.append((token_id, word[start][2], word[end - 1][2] + 1))
            start = end
        return subwords

    def _kind(self, character):
        kind = self._kinds.get(character)
        if kind is None:
            kind = self._tables.kind(ord(character))
            self._kinds[character] = kind
        return kind


def _joined(characters):
    """Returns the characters' text, in which a space is any white space."""
    return "".join(
        " " if kind == unicode_tables.SPACE else character
        for character, kind, _ in characters
    )


def _in_canonical_order(parts, combining_classes):
    """Sorts each run of combining marks by class.

    Origins follow the published tokenizer: they stay in place while the marks
    move, so that the n-th decomposed character has the n-th origin.
    """
    ordered = []
    run = []
    for part in parts:
        combining_class = combining_classes.get(ord(part[0]), 0)
        if combining_class:
            run.append((combining_class, part))
            continue
        ordered += [item for _, item in sorted(run, key=lambda pair: pair[0])]
        run = []
        ordered.append(part)
    ordered += [item for _, item in sorted(run, key=lambda pair: pair[0])]
    index = -1
    for character, kind, is_first in ordered:
        index += is_first
        yield character, kind, index


def _byte_offsets(text):
    """Returns the byte offset of each character and of the end."""
    if not isinstance(text, str):
        raise InputError(
            f"A text must be a str. Received: {type(text).__name__}. Decode "
            "bytes as UTF-8 first."
        )
    if text.isascii():
        return range(len(text) + 1)
    offsets = [0]
    for index, character in enumerate(text):
        code = ord(character)
        if 0xD800 <= code <= 0xDFFF:
            raise InputError(
                "A text must have a UTF-8 form. Received: the lone surrogate "
                f"U+{code:04X} at character {index}. Decode the text with "
                'errors="replace".'
            )
        size = 1 + (code > 0x7F) + (code > 0x7FF) + (code > 0xFFFF)
        offsets.append(offsets[-1] + size)
    return offsets
