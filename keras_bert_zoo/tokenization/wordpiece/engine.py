"""What the TensorFlow engines have in common: all but the split of words.

A batch of texts is normalized to words as BERT does, in core ops; an engine
splits the words into subwords; these become ragged tokens with offsets.

Tensors are flat: `N` characters of the decoded batch (each text followed by a
space that ends its last word), `M` characters after normalization, `W` words,
`P` subwords, `B` texts.
"""

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.packing import row_ids
from keras_bert_zoo.tokenization.tokenizer import TokenSpans
from keras_bert_zoo.tokenization.wordpiece import unicode_tables
from keras_bert_zoo.tokenization.wordpiece.vocabulary import CONTINUATION
from keras_bert_zoo.tokenization.wordpiece.vocabulary import MAX_WORD_LENGTH
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

# Where a token stands in its word: at the beginning, or behind another.
FIRST_ROOT = 0
INNER_ROOT = 1


@dataclasses.dataclass(frozen=True)
class DecodedTexts:
    """The characters of a batch, as the user wrote them.

    Attributes:
        codes: int32 (N,). Code points; ill-formed UTF-8 is U+FFFD.
        byte_starts: int32 (N,). Offset of each character in its text.
        row_splits: int32 (B + 1,). Where each text starts in `codes`.
    """

    codes: tf.Tensor
    byte_starts: tf.Tensor
    row_splits: tf.Tensor


@dataclasses.dataclass(frozen=True)
class NormalizedTexts:
    """The characters of a batch after normalization, and its words.

    Attributes:
        values: int32 (M,). What stands for each character; 0 for a space.
        origins: int32 (M,). The decoded character that each one comes from.
        origin_ends: int32 (M,). One past the last that it comes from: an
            added token is one character here.
        row_splits: int32 (B + 1,). Where each text starts in `values`.
        word_starts: int32 (W,). First character of each word.
        word_ends: int32 (W,). One past the last character of each word.
    """

    values: tf.Tensor
    origins: tf.Tensor
    origin_ends: tf.Tensor
    row_splits: tf.Tensor
    word_starts: tf.Tensor
    word_ends: tf.Tensor


class Matches(NamedTuple):
    """Where added tokens stand among `N` characters; no two overlap.

    Attributes:
        starts: int32 (K,). First character of each, rising.
        ends: int32 (K,). One past its last character.
        marks: int32 (K,). The value that stands for the token.
    """

    starts: tf.Tensor
    ends: tf.Tensor
    marks: tf.Tensor


# From characters, int32 (N,), and row splits, int32 (B + 1,).
Finder = Callable[[tf.Tensor, tf.Tensor], Matches]

# What a space is to those that find tokens in normalized texts.
SPACE_VALUE = -1


class Normalizer(tf.Module):
    """Cleans, isolates, strips, lower-cases and splits a batch of texts.

    What is found in it becomes a word of one character.

    Args:
        tables: CodePointTables, which say how entries are read.
        find_written: finds added tokens among code points, if there are any.
        find_normalized: finds those among normalized values.
    """

    def __init__(
        self,
        tables: unicode_tables.CodePointTables,
        find_written: Finder | None = None,
        find_normalized: Finder | None = None,
    ):
        super().__init__()
        self._find_written = find_written
        self._find_normalized = find_normalized
        with tf.init_scope(), tf.device("CPU:0"):
            self._pages = tf.constant(tables.pages)
            self._entries = tf.constant(tables.entries)
            self._ascii_entries = tf.constant(tables.entries_of(0))
            self._part_entries = tf.constant(tables.part_entries)
            self._part_classes = tf.constant(tables.part_classes)

    def __call__(self, texts: tf.Tensor) -> NormalizedTexts:
        """Normalizes string (B,), for use without offsets.

        Ill-formed UTF-8 counts as one U+FFFD per maximal ill-formed part, as
        in Python's `errors="replace"`, and vanishes like any other U+FFFD.
        """
        if self._find_written is not None:
            return self.with_origins(texts)[1]
        ended = tf.strings.join([texts, " "])
        joined = tf.io.decode_raw(tf.strings.reduce_join(ended), tf.uint8)
        entries, row_splits = tf.cond(
            tf.reduce_max(joined) < 128,
            lambda: self._look_up_ascii(ended, joined),
            lambda: self._look_up(_decode(ended)),
        )
        return self._normalize(entries, row_splits)

    def with_origins(
        self, texts: tf.Tensor
    ) -> tuple[DecodedTexts, NormalizedTexts]:
        """Normalizes string (B,), for use with offsets."""
        decoded = _decode(tf.strings.join([texts, " "]))
        entries, row_splits = self._look_up(decoded)
        if self._find_written is None:
            return decoded, self._normalize(entries, row_splits)
        found = self._find_written(decoded.codes, row_splits)
        entries = tf.where(
            _inner(found, tf.size(entries)), unicode_tables.REMOVED, entries
        )
        entries = _replaced(entries, found, _entries_of(found))
        ends = tf.range(tf.size(entries)) + 1
        ends = _replaced(ends, found, found.ends)
        return decoded, self._normalize(entries, row_splits, ends)

    def _look_up(self, decoded):
        pages = tf.gather(
            self._pages,
            tf.bitwise.right_shift(decoded.codes, unicode_tables.PAGE_BITS),
        )
        offsets = tf.bitwise.bitwise_and(
            decoded.codes, (1 << unicode_tables.PAGE_BITS) - 1
        )
        return tf.gather(self._entries, pages + offsets), decoded.row_splits

    def _look_up_ascii(self, ended, joined):
        row_splits = tf.cumsum(tf.strings.length(ended))
        entries = tf.gather(self._ascii_entries, tf.cast(joined, tf.int32))
        return entries, tf.concat([[0], row_splits], 0)

    def _normalize(self, entries, row_splits, ends=None):
        direct = unicode_tables.DIRECT << unicode_tables.COUNT_SHIFT
        is_direct = tf.equal(tf.bitwise.bitwise_and(entries, direct), direct)
        kinds = tf.bitwise.bitwise_and(entries, unicode_tables.KIND_MASK)
        is_plain = is_direct | tf.equal(kinds, unicode_tables.REMOVED)
        entries, origins, row_splits = tf.cond(
            tf.reduce_all(is_direct),
            lambda: (entries, tf.range(tf.size(entries)), row_splits),
            lambda: tf.cond(
                tf.reduce_all(is_plain),
                lambda: _keep(entries, None, row_splits),
                lambda: self._expand(entries, row_splits),
            ),
        )
        ends = origins + 1 if ends is None else tf.gather(ends, origins)
        if self._find_normalized is not None:
            entries, origins, ends, row_splits = self._with_tokens(
                entries, origins, ends, row_splits
            )
        return _with_words(entries, origins, ends, row_splits)

    def _with_tokens(self, entries, origins, ends, row_splits):
        """Puts one character where an added token stands."""
        kinds = tf.bitwise.bitwise_and(entries, unicode_tables.KIND_MASK)
        values = tf.where(
            tf.equal(kinds, unicode_tables.SPACE),
            SPACE_VALUE,
            tf.bitwise.right_shift(entries, unicode_tables.VALUE_SHIFT),
        )
        found = self._find_normalized(values, row_splits)
        entries = _replaced(entries, found, _entries_of(found))
        ends = _replaced(ends, found, tf.gather(ends, found.ends - 1))
        kept = _where(~_inner(found, tf.size(entries)))
        return (
            *(tf.gather(one, kept) for one in (entries, origins, ends)),
            tf.searchsorted(kept, row_splits),
        )

    def _expand(self, entries, row_splits):
        """Replaces each character by its parts, in canonical order."""
        counts = tf.bitwise.bitwise_and(
            tf.bitwise.right_shift(entries, unicode_tables.COUNT_SHIFT),
            unicode_tables.COUNT_MASK,
        )
        is_direct = tf.equal(counts, unicode_tables.DIRECT)
        counts = tf.where(is_direct, 1, counts)
        # Eight numbers per character: owner << 3 | index among its parts.
        firsts = tf.range(tf.size(entries)) * 8
        part_splits, parts = tf.raw_ops.RaggedRange(
            starts=firsts, limits=firsts + counts, deltas=1, Tsplits=tf.int32
        )
        owners = tf.bitwise.right_shift(parts, 3)
        part_indices = tf.bitwise.bitwise_and(parts, 7)
        entries = tf.gather(entries, owners)
        is_direct = tf.gather(is_direct, owners)
        indices = (
            tf.bitwise.right_shift(entries, unicode_tables.VALUE_SHIFT)
            + part_indices
        )
        indices = tf.where(is_direct, 0, indices)
        entries = tf.where(
            is_direct, entries, tf.gather(self._part_entries, indices)
        )
        classes = tf.where(is_direct, 0, tf.gather(self._part_classes, indices))
        entries, origins = tf.cond(
            tf.reduce_any((classes[:-1] > classes[1:]) & (classes[1:] > 0)),
            lambda: _in_canonical_order(entries, owners, part_indices, classes),
            lambda: (entries, owners),
        )
        return _keep(entries, origins, tf.gather(part_splits, row_splits))


def _decode(ended):
    row_splits, codes, byte_starts = tf.raw_ops.UnicodeDecodeWithOffsets(
        input=ended, input_encoding="UTF-8", errors="replace"
    )
    return DecodedTexts(
        codes, tf.cast(byte_starts, tf.int32), tf.cast(row_splits, tf.int32)
    )


def _keep(entries, origins, row_splits):
    """Drops what vanishes. Without `origins`, nothing has moved yet."""
    kinds = tf.bitwise.bitwise_and(entries, unicode_tables.KIND_MASK)
    kept = _where(tf.not_equal(kinds, unicode_tables.REMOVED))
    return (
        tf.gather(entries, kept),
        kept if origins is None else tf.gather(origins, kept),
        tf.searchsorted(kept, row_splits),
    )


def _entries_of(found):
    """Returns the entries of words of one character, each a token."""
    marks = tf.bitwise.left_shift(found.marks, unicode_tables.VALUE_SHIFT)
    direct = unicode_tables.DIRECT << unicode_tables.COUNT_SHIFT
    return marks + (direct | unicode_tables.ISOLATED)


def _inner(found, size):
    """Returns bool (N,): the characters of tokens but their first ones."""
    ones = tf.ones_like(found.starts)
    steps = tf.tensor_scatter_nd_add(
        tf.zeros([size + 1], tf.int32),
        tf.concat([found.starts + 1, found.ends], 0)[:, tf.newaxis],
        tf.concat([ones, -ones], 0),
    )
    return tf.cumsum(steps)[:-1] > 0


def _replaced(column, found, values):
    return tf.tensor_scatter_nd_update(
        column, found.starts[:, tf.newaxis], values
    )


def _in_canonical_order(entries, owners, part_indices, classes):
    """Sorts each run of combining marks by class; origins stay in place."""
    runs = tf.cumsum(tf.cast(tf.equal(classes, 0), tf.int64))
    order = tf.argsort(runs * 256 + tf.cast(classes, tf.int64), stable=True)
    is_first = tf.equal(part_indices, 0)
    ranks = tf.cumsum(tf.cast(tf.gather(is_first, order), tf.int32)) - 1
    origins = tf.gather(tf.gather(owners, _where(is_first)), ranks)
    return tf.gather(entries, order), origins


def _with_words(entries, origins, origin_ends, row_splits):
    kinds = tf.bitwise.bitwise_and(entries, unicode_tables.KIND_MASK)
    # A text ends with a space, so no word crosses into the next text.
    is_word = tf.equal(kinds, unicode_tables.WORD)
    is_part = tf.not_equal(kinds, unicode_tables.SPACE)
    is_inner = is_word[1:] & is_word[:-1]  # no boundary before the second ...
    boundary = tf.constant([False])
    continues = tf.concat([boundary, is_inner], 0)[: tf.size(kinds)]
    goes_on = tf.concat([is_inner, boundary], 0)[: tf.size(kinds)]
    return NormalizedTexts(
        values=tf.bitwise.right_shift(entries, unicode_tables.VALUE_SHIFT),
        origins=origins,
        origin_ends=origin_ends,
        row_splits=row_splits,
        word_starts=_where(is_part & ~continues),
        word_ends=_where(is_part & ~goes_on) + 1,
    )


def _where(mask):
    return tf.cast(tf.where(mask)[:, 0], tf.int32)


@dataclasses.dataclass(frozen=True)
class Subwords:
    """The `P` subwords of a batch, in the order of the text.

    Attributes:
        ids: int32 (P,).
        starts: int32 (P,). First normalized character of each.
        ends: int32 (P,). One past its last normalized character.
    """

    ids: tf.Tensor
    starts: tf.Tensor
    ends: tf.Tensor


class WordPieceModel(tf.Module):
    """Normalizes texts to words, and splits words into subwords.

    Args:
        normalizer: Normalizer.
        split: callable from NormalizedTexts to Subwords.
    """

    def __init__(
        self,
        normalizer: Normalizer,
        split: Callable[[NormalizedTexts], Subwords],
    ):
        super().__init__()
        self._normalizer = normalizer
        self._split = split

    def ids(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns ids, int32 (P,), and row splits, int64 (B + 1,)."""
        normalized = self._normalizer(texts)
        subwords = self._split(normalized)
        return subwords.ids, _row_splits(subwords, normalized)

    def spans(self, texts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns the five columns of `TokenSpans`, flat, and row splits."""
        decoded, normalized = self._normalizer.with_origins(texts)
        subwords = self._split(normalized)
        row_splits = _row_splits(subwords, normalized)
        spans = _spans(decoded, normalized, subwords, row_splits)
        return subwords.ids, *spans, row_splits


class Engine(tf.Module):
    """Runs a WordPiece model eagerly, inside a graph or in tf.data.

    Ill-formed UTF-8 is read as U+FFFD, which is no part of any word.

    Args:
        model: has `ids` and `spans`, as `WordPieceModel` has.
    """

    def __init__(self, model: Any):
        super().__init__()
        self._model = model
        ids = _compiled(model.ids)
        spans = _compiled(model.spans)
        # In closures, so that saving a module that holds this one does not
        # write functions that its signatures do not call.
        self._ids = lambda texts: ids(texts)
        self._spans = lambda texts: spans(texts)

    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        """Returns token ids, int32 (B, None), of string (B,)."""
        return _ragged(*self._ids(_as_texts(texts)))

    def tokenize_with_offsets(
        self, texts: tf.Tensor | Sequence[str]
    ) -> TokenSpans:
        """Returns token ids and their spans of string (B,)."""
        *columns, row_splits = self._spans(_as_texts(texts))
        return TokenSpans(*(_ragged(column, row_splits) for column in columns))


def _compiled(function):
    def on_cpu(texts):
        with tf.device("CPU:0"):
            return function(texts)

    signature = [tf.TensorSpec([None], tf.string)]
    return tf.function(on_cpu, signature, autograph=False)


def _spans(
    decoded: DecodedTexts,
    normalized: NormalizedTexts,
    subwords: Subwords,
    row_splits: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    first = tf.gather(normalized.origins, subwords.starts)
    # The next character always exists: a space ends every text.
    after = tf.gather(normalized.origin_ends, subwords.ends - 1)
    text_starts = tf.gather(
        decoded.row_splits, row_ids(_ragged(subwords.ids, row_splits))
    )
    return (
        tf.gather(decoded.byte_starts, first),
        tf.gather(decoded.byte_starts, after),
        first - text_starts,
        after - text_starts,
    )


def _row_splits(subwords, normalized):
    return tf.searchsorted(
        subwords.starts, normalized.row_splits, out_type=tf.int64
    )


def _ragged(values, row_splits):
    return tf.RaggedTensor.from_row_splits(values, row_splits, validate=False)


def _as_texts(texts):
    try:
        texts = tf.convert_to_tensor(texts, tf.string)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"Texts must be a list of str. Received: {texts!r:.80}. Decode "
            "bytes as UTF-8, and leave out what is not text."
        ) from error
    if texts.shape.rank not in (1, None):
        raise InputError(
            "Texts must have shape (B,). Received: shape "
            f"{tuple(texts.shape)}. Wrap one text in a list."
        )
    return texts


def matchable_tokens(vocabulary: Vocabulary) -> list[tuple[int, str, int]]:
    """Returns (root, text, id) of the tokens that a word can match.

    Tokens above the maximum word length are excluded, and tokens with a space
    or a punctuation mark beside another character. Added tokens are no parts
    of words.
    """
    tables = unicode_tables.load()
    kinds = {
        character: tables.kind(ord(character))
        for character in set().union(*vocabulary.model_tokens)
    }
    subwords = []
    for token_id, token in enumerate(vocabulary.model_tokens):
        variants = [(FIRST_ROOT, token)]
        if token.startswith(CONTINUATION):
            variants.append((INNER_ROOT, token.removeprefix(CONTINUATION)))
        for root, text in variants:
            alone = root == FIRST_ROOT and len(text) == 1
            if 0 < len(text) <= MAX_WORD_LENGTH and all(
                kinds[character] == unicode_tables.WORD
                or (alone and kinds[character] == unicode_tables.ISOLATED)
                for character in text
            ):
                subwords.append((root, text, token_id))
    return subwords
