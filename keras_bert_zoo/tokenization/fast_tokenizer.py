"""The published BERT tokenizer over tensorflow-text's WordPiece op."""

import itertools
from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import code_point_tables
from keras_bert_zoo.tokenization.graph_normalizer import GraphNormalizer
from keras_bert_zoo.tokenization.graph_normalizer import NormalizedTexts
from keras_bert_zoo.tokenization.graph_pieces import Pieces
from keras_bert_zoo.tokenization.python_tokenizer import MAX_WORD_LENGTH
from keras_bert_zoo.tokenization.token_spans import SpanTokenizer
from keras_bert_zoo.tokenization.token_spans import TokenSpans
from keras_bert_zoo.tokenization.vocabulary import Vocabulary

_MAX_BYTES_PER_CHARACTER = 4


class FastTokenizer(tf.Module):
    """Splits texts into word pieces where tensorflow-text is at hand.

    Equal to `PythonTokenizer`, id for id and offset for offset. Normalizes
    like `GraphTokenizer`; only the spelling is tensorflow-text's, because its
    own normalization is not BERT's.

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
        super().__init__()
        self.vocabulary = vocabulary
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        tables = code_point_tables.build(
            lowercase,
            lowercase if strip_accents is None else strip_accents,
            values=None,
        )
        self._tokenizer = SpanTokenizer(
            GraphNormalizer(tables), FastPieces(vocabulary)
        )

    def tokenize(self, texts: tf.Tensor | Sequence[str]) -> tf.RaggedTensor:
        """Returns token ids, int32 (B, None), of string (B,).

        Ill-formed UTF-8 is read as U+FFFD, which is no part of any word.
        """
        return self._tokenizer.tokenize(texts)

    def tokenize_with_offsets(
        self, texts: tf.Tensor | Sequence[str]
    ) -> TokenSpans:
        """Returns token ids and their spans of string (B,)."""
        return self._tokenizer.tokenize_with_offsets(texts)


class FastPieces(tf.Module):
    """Spells words with tensorflow-text.

    Args:
        vocabulary: Vocabulary.
    """

    def __init__(self, vocabulary: Vocabulary):
        super().__init__()
        self._unspellable = _unspellable_word(vocabulary)
        lengths = [len(_spelled(token)) for token in vocabulary.tokens]
        with tf.init_scope(), tf.device("CPU:0"):
            self._lengths = tf.constant(lengths, tf.int32)
            self._wordpiece = _tensorflow_text().FastWordpieceTokenizer(
                list(vocabulary.tokens),
                max_bytes_per_word=MAX_WORD_LENGTH * _MAX_BYTES_PER_CHARACTER,
                token_out_type=tf.int32,
                unknown_token=vocabulary.tokens[vocabulary.unknown_id],
                no_pretokenization=True,
            )

    def __call__(self, texts: NormalizedTexts) -> Pieces:
        """Spells words whose values are code points."""
        word_splits, places = tf.raw_ops.RaggedRange(
            starts=texts.word_starts,
            limits=texts.word_ends,
            deltas=1,
            Tsplits=tf.int64,
        )
        words = tf.raw_ops.UnicodeEncode(
            input_values=tf.gather(texts.values, places),
            input_splits=word_splits,
            output_encoding="UTF-8",
        )  # (W,)
        word_lengths = texts.word_ends - texts.word_starts
        is_long = word_lengths > MAX_WORD_LENGTH
        words = tf.where(is_long, self._unspellable, words)
        pieces = self._wordpiece.tokenize(words)
        ids = pieces.values  # (P,)
        # One piece is the whole word, known or not. Several are all known, so
        # that their lengths add up to the word's.
        counts = pieces.row_lengths()
        lengths = tf.where(
            tf.equal(tf.repeat(counts, counts), 1),
            tf.repeat(word_lengths, counts),
            tf.gather(self._lengths, ids),
        )
        ends = tf.cumsum(lengths)
        starts = tf.gather(places, ends - lengths)
        return Pieces(ids, starts, starts + lengths)


def _spelled(token):
    return token.removeprefix("##") or token


def _unspellable_word(vocabulary):
    known = set().union(*vocabulary.tokens)
    for code in itertools.chain(range(0xFDD0, 0xFDF0), range(0xE000, 0xF900)):
        if chr(code) not in known:
            return chr(code)
    raise InputError(
        "The fast tokenizer needs one private character for itself. "
        'Received: a vocabulary that uses all. Use engine="graph".'
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
