"""Training of a WordPiece vocabulary: counts of words, then their subwords.

The words are those of the tokenizer itself, so that what is learned is what it
will see. `tokenizers` merges their characters to subwords. It numbers the
characters inside of words in the order of a hash table, and settles ties by
these numbers, so that two runs differ; they are named beforehand here.
"""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import tensorflow as tf
import tokenizers

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import word_counts
from keras_bert_zoo.tokenization.trained_vocabulary import fixed_tokens
from keras_bert_zoo.tokenization.wordpiece import unicode_tables
from keras_bert_zoo.tokenization.wordpiece.engine import Normalizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import CONTINUATION
from keras_bert_zoo.tokenization.wordpiece.vocabulary import MAX_WORD_LENGTH
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_BATCH_TEXTS = 2048


def count_words(
    texts: Iterable[str],
    lowercase: bool,
    strip_accents: bool | None = None,
    max_words: int = word_counts.MAX_WORDS,
) -> Counter:
    """Counts the words of texts as the tokenizer sees them.

    Args:
        texts: iterable of str, read once.
        lowercase: bool. Whether words are lower-cased.
        strip_accents: bool or `None`, which follows `lowercase`.
        max_words: int. Most different words held: see `word_counts.counted`.

    Returns:
        Word -> how often it occurs.
    """
    if strip_accents is None:
        strip_accents = lowercase
    normalizer = Normalizer(
        unicode_tables.code_point_tables(lowercase, strip_accents)
    )

    @tf.function(
        input_signature=[tf.TensorSpec((None,), tf.string)], autograph=False
    )
    def words_of(batch):
        found = normalizer(batch)
        splits, characters = tf.raw_ops.RaggedRange(
            starts=found.word_starts,
            limits=found.word_ends,
            deltas=1,
            Tsplits=tf.int64,
        )
        words = tf.raw_ops.UnicodeEncode(
            input_values=tf.gather(found.values, characters),
            input_splits=splits,
            output_encoding="UTF-8",
            errors="replace",
            replacement_char=65533,
        )
        return tf.unique_with_counts(words)

    def counts_of(batch):
        words, _, numbers = words_of(tf.constant(batch, tf.string))
        return dict(zip(words.numpy().tolist(), numbers.numpy().tolist()))

    counts = word_counts.counted(
        map(counts_of, _batches(texts, _BATCH_TEXTS)), max_words
    )
    return Counter({word.decode("utf-8"): n for word, n in counts.items()})


def train_vocabulary(
    counts: Mapping[str, int],
    size: int,
    *,
    min_frequency: int = 2,
    max_characters: int = 1000,
    reserved: Sequence[str] = (),
) -> Vocabulary:
    """Learns the subwords that words are best made of.

    Args:
        counts: word -> how often it occurs.
        size: int. Tokens of the vocabulary. There may be fewer, where the
            words hold no more.
        min_frequency: int. How often two subwords must stand beside each
            other to become one.
        max_characters: int. Most different characters, the most frequent;
            words with others become the unknown token.
        reserved: tokens that come after the special ones.

    Returns:
        The special tokens, the reserved ones, characters, then longer
        subwords in the order in which they were learned. The same counts
        give the same vocabulary.

    Raises:
        InputError: if there are no words, `size` has no room for their
            characters, or a reserved token is given twice.

    Source: Schuster and Nakajima, 2012; the merges are those of byte-pair
    encoding (Sennrich et al., 2016, arXiv:1508.07909), which `tokenizers`
    trains WordPiece by.
    """
    characters: Counter = Counter()
    for word, number in counts.items():
        for character in set(word):
            characters[character] += number
    known = set(word_counts.most_frequent(characters, max_characters))
    words = {
        word: number
        for word, number in sorted(counts.items())
        if len(word) <= MAX_WORD_LENGTH and known.issuperset(word)
    }
    if not words:
        raise InputError(
            "WordPiece is learned from words of at most "
            f"{MAX_WORD_LENGTH} characters. Received: texts without any. "
            "Check the files and their format."
        )
    first = sorted({word[0] for word in words})
    inner = sorted({character for word in words for character in word[1:]})
    alphabet = [*first, *(f"{CONTINUATION}{one}" for one in inner)]
    fixed = fixed_tokens(SPECIAL_TOKENS, reserved)
    if len(fixed) + len(alphabet) > size:
        raise InputError(
            f"`size` must hold {len(fixed)} special and reserved tokens and "
            f"{len(alphabet)} characters, at the beginning of words and "
            f"inside of them. Received: size={size}. Raise it."
        )
    learner = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(unk_token=SPECIAL_TOKENS[1])
    )
    learner.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    learner.train_from_iterator(
        word_counts.repeated(words),
        tokenizers.trainers.WordPieceTrainer(
            vocab_size=size,
            min_frequency=min_frequency,
            special_tokens=[*fixed, *alphabet],
            continuing_subword_prefix=CONTINUATION,
            show_progress=False,
        ),
    )
    ids = learner.get_vocab()
    return Vocabulary(sorted(ids, key=ids.__getitem__))


def _batches(texts: Iterable[str], size: int) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for text in texts:
        batch.append(text.encode("utf-8", "replace"))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
