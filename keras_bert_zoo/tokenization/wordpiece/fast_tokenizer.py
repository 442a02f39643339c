"""WordPiece over tensorflow-text's op."""

from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.packing import row_ids
from keras_bert_zoo.tokenization.wordpiece.engine import Engine
from keras_bert_zoo.tokenization.wordpiece.engine import NormalizedTexts
from keras_bert_zoo.tokenization.wordpiece.engine import Normalizer
from keras_bert_zoo.tokenization.wordpiece.engine import Subwords
from keras_bert_zoo.tokenization.wordpiece.engine import WordPieceModel
from keras_bert_zoo.tokenization.wordpiece.engine import matchable_tokens
from keras_bert_zoo.tokenization.wordpiece.python_tokenizer import (
    PythonTokenizer,
)
from keras_bert_zoo.tokenization.wordpiece.token_finder import finders
from keras_bert_zoo.tokenization.wordpiece.unicode_tables import (
    code_point_tables,
)
from keras_bert_zoo.tokenization.wordpiece.vocabulary import MAX_WORD_LENGTH
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

_MAX_BYTES_PER_CHARACTER = 4

# What BERT's cleaning neither drops nor replaces; RE2 syntax.
_PLAIN_ASCII = r"[\x20-\x7e\t\n\r]*"

# Private, so that cleaning drops it: neither words nor tokens that words can
# match hold it.
_UNKNOWN_WORD = "\ue000"


class FastTokenizer(Engine):
    """Splits texts into subwords where tensorflow-text is at hand.

    Equal to `PythonTokenizer`, id for id and offset for offset. Normalizes
    like `GraphTokenizer`; only words are split by tensorflow-text, because
    its own normalization is not BERT's.

    Args:
        vocabulary: Vocabulary.
        lowercase: bool. True for uncased models.
        strip_accents: bool or None. None follows `lowercase`.

    Raises:
        InputError: if tensorflow-text cannot be imported.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        lowercase: bool,
        strip_accents: bool | None = None,
    ):
        tables = code_point_tables(
            lowercase,
            lowercase if strip_accents is None else strip_accents,
        )
        find, added = (None, None), ()
        if vocabulary.added:
            written, normalized = PythonTokenizer(
                vocabulary, lowercase, strip_accents
            ).added_spellings
            find = finders(written, normalized, ord)
            added = (*written, *normalized)
        words = WordPieceModel(
            Normalizer(tables, *find), FastWordPiece(vocabulary)
        )
        super().__init__(FastModel(vocabulary, lowercase, words, added))


class FastModel(tf.Module):
    """Tokenizes plain ASCII texts whole, and the others word by word.

    On printable ASCII, tensorflow-text's own splitting is BERT's, and twenty
    times faster than tables. Elsewhere it is not, so other texts of the batch
    go through `words`.

    Args:
        vocabulary: Vocabulary.
        lowercase: bool.
        words: WordPieceModel.
        added: spellings of added tokens: texts that hold one go through
            `words`, too.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        lowercase: bool,
        words: WordPieceModel,
        added: Sequence[str] = (),
    ):
        super().__init__()
        self._added = _pattern(added) if added else ""
        self._lowercase = lowercase
        self._words = words
        with tf.init_scope(), tf.device("CPU:0"):
            self._wordpiece = wordpiece(
                vocabulary, MAX_WORD_LENGTH, splits_text=True
            )

    def ids(self, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns ids, int32 (P,), and row splits, int64 (B + 1,)."""
        return self._dispatch(texts, self._plain_ids, self._words.ids)

    def spans(self, texts: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns the five columns of `TokenSpans`, flat, and row splits."""
        return self._dispatch(texts, self._plain_spans, self._words.spans)

    def _plain_ids(self, texts):
        ids, _, _ = self._plain(texts)
        return ids.values, ids.row_splits

    def _plain_spans(self, texts):
        ids, starts, ends = self._plain(texts)
        starts = tf.cast(starts.values, tf.int32)
        ends = tf.cast(ends.values, tf.int32)
        return ids.values, starts, ends, starts, ends, ids.row_splits

    def _plain(self, texts):
        if self._lowercase:
            texts = tf.strings.lower(texts)
        return self._wordpiece.tokenize_with_offsets(texts)

    def _dispatch(self, texts, tokenize_plain, tokenize_other):
        is_plain = tf.strings.regex_full_match(texts, _PLAIN_ASCII)
        if self._added:
            is_plain &= ~tf.strings.regex_full_match(texts, self._added)

        def mixed():
            plain = tf.where(is_plain)[:, 0]
            other = tf.where(~is_plain)[:, 0]
            return _interleave(
                tokenize_plain(tf.gather(texts, plain)),
                tokenize_other(tf.gather(texts, other)),
                tf.concat([plain, other], 0),
            )

        return tf.cond(
            tf.reduce_all(is_plain), lambda: tokenize_plain(texts), mixed
        )


class FastWordPiece(tf.Module):
    """Splits words with tensorflow-text.

    Args:
        vocabulary: Vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary):
        super().__init__()
        lengths = [len(_without_prefix(token)) for token in vocabulary.tokens]
        self._ids = None
        with tf.init_scope(), tf.device("CPU:0"):
            if vocabulary.added:
                # Marks follow the tokens: some stand for one of them.
                marked = vocabulary.marks().values()
                ids = [*range(len(lengths)), *marked]
                lengths += [1] * len(marked)
                self._ids = tf.constant(ids, tf.int32)
            self._lengths = tf.constant(lengths, tf.int32)
            self._wordpiece = wordpiece(
                vocabulary,
                MAX_WORD_LENGTH * _MAX_BYTES_PER_CHARACTER,
                splits_text=False,
            )

    def __call__(self, texts: NormalizedTexts) -> Subwords:
        """Splits words whose values are code points."""
        word_splits, indices = tf.raw_ops.RaggedRange(
            starts=texts.word_starts,
            limits=texts.word_ends,
            deltas=1,
            Tsplits=tf.int64,
        )
        words = tf.raw_ops.UnicodeEncode(
            input_values=tf.gather(texts.values, indices),
            input_splits=word_splits,
            output_encoding="UTF-8",
        )  # (W,)
        word_lengths = texts.word_ends - texts.word_starts
        is_long = word_lengths > MAX_WORD_LENGTH
        words = tf.where(is_long, _UNKNOWN_WORD, words)
        subwords = self._wordpiece.tokenize(words)
        ids = subwords.values  # (P,)
        # One subword is the whole word, known or not. Several are all known, so
        # that their lengths add up to the word's.
        words = row_ids(subwords)
        lengths = tf.where(
            tf.equal(tf.gather(subwords.row_lengths(), words), 1),
            tf.gather(word_lengths, words),
            tf.gather(self._lengths, ids),
        )
        if self._ids is not None:
            ids = tf.gather(self._ids, ids)
        ends = tf.cumsum(lengths)
        starts = tf.gather(indices, ends - lengths)
        return Subwords(ids, starts, starts + lengths)


def _pattern(texts):
    """Returns RE2 syntax for what holds one of the texts, or may hold it."""
    # White space is a space, and case may make no difference.
    spelled = [
        "".join(
            r"\s" if character.isspace() else rf"\x{{{ord(character):x}}}"
            for character in text
        )
        for text in texts
        if text.isascii()
    ]
    return f"(?is).*(?:{'|'.join(spelled)}).*" if spelled else ""


def _without_prefix(token):
    return token.removeprefix("##") or token


def _interleave(plain, other, rows):
    """Puts the rows of two results in the order of the batch.

    Args:
        plain: columns and row splits of some of the rows.
        other: columns and row splits of the rest.
        rows: int64 (B,). Where each row of `plain`, then of `other`, belongs.
    """
    *plain_columns, plain_splits = plain
    *other_columns, other_splits = other
    splits = tf.concat([plain_splits, other_splits[1:] + plain_splits[-1]], 0)
    order = tf.math.invert_permutation(rows)
    row_splits, indices = tf.raw_ops.RaggedRange(
        starts=tf.gather(splits, order),
        limits=tf.gather(splits, order + 1),
        deltas=tf.constant(1, tf.int64),
        Tsplits=tf.int64,
    )
    columns = [
        tf.gather(tf.concat(pair, 0), indices)
        for pair in zip(plain_columns, other_columns, strict=True)
    ]
    return *columns, row_splits


def wordpiece(vocabulary: Vocabulary, max_bytes: int, splits_text: bool):
    """Returns tensorflow-text's tokenizer of a vocabulary.

    Args:
        vocabulary: Vocabulary.
        max_bytes: int. Longer words are unknown.
        splits_text: bool. Whether it splits texts, or gets single words.

    Raises:
        InputError: if tensorflow-text cannot be imported.
    """
    matchable = {token_id for _, _, token_id in matchable_tokens(vocabulary)}
    # The op would match a token like "## " across the end of a word.
    tokens = [
        token if token_id in matchable else f"{_UNKNOWN_WORD}{token_id}"
        for token_id, token in enumerate(vocabulary.tokens)
    ]
    if vocabulary.added and not splits_text:
        tokens += vocabulary.marks()
    return _tensorflow_text().FastWordpieceTokenizer(
        tokens,
        max_bytes_per_word=max_bytes,
        token_out_type=tf.int32,
        unknown_token=tokens[vocabulary.unknown_id],
        no_pretokenization=not splits_text,
    )


def has_tensorflow_text() -> bool:
    """Whether tensorflow-text can be imported here."""
    try:
        _tensorflow_text()
    except InputError:
        return False
    return True


def _tensorflow_text():
    try:
        import tensorflow_text
    except ImportError as error:
        raise InputError(
            'engine="fast" needs tensorflow-text. Received: an environment '
            f"without it ({error}). Install it where it exists for the "
            'platform, or use engine="graph", which gives the same ids.'
        ) from error
    return tensorflow_text
