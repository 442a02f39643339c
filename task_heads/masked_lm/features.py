"""Features of texts with gaps, and of texts to mask tokens in, in graph ops.

A gap is written `[MASK]`, whatever the tokenizer calls its mask token.

Letters: `B` texts, `M` gaps of a text, `R` sequences, `P` asked tokens of a
sequence.
"""

from typing import NamedTuple

import tensorflow as tf

from keras_bert_zoo.pretraining.masking import mask_tokens
from keras_bert_zoo.pretraining.token_logits import MASK_POSITIONS
from keras_bert_zoo.task import Features
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization.packing import joined
from keras_bert_zoo.tokenization.packing import marked
from keras_bert_zoo.tokenization.packing import row_ids
from keras_bert_zoo.tokenization.sliding_windows import full_windows
from keras_bert_zoo.tokenization.sliding_windows import overlapping_windows

# Neighbouring windows of a long text overlap by this fraction of what they
# hold, where each gap is to be seen in its context.
OVERLAP = 0.25
MASK = "[MASK]"


def training_features(
    texts: tf.Tensor,
    seed: tf.Tensor,
    tokenizer: Tokenizer,
    sequence_length: int,
    mask_rate: float,
) -> Features:
    """Returns sequences with masked tokens; see `TaskHead.features`.

    A long text becomes windows that do not overlap, full ones, because these
    leave least padding in rows of packed sequences.

    Args:
        texts: string `(B,)`.
        seed: int64 `(2,)`.
        tokenizer: the model's.
        sequence_length: int. Maximum number of tokens in a sequence.
        mask_rate: float in (0, 1).
    """
    token_ids = tokenize_masked(texts, tokenizer)
    capacity = sequence_length - tokenizer.num_special_tokens(1)
    windows = full_windows(
        token_ids.row_lengths(), capacity, max(capacity // 8, 1)
    )
    masked = mask_tokens(
        cut(token_ids, windows.rows, windows.owned_starts, windows.owned_ends),
        seed,
        tokenizer,
        mask_rate,
    ).or_nothing()
    return Features(
        _inputs(masked.token_ids, masked.positions, tokenizer, sequence_length),
        masked.originals,
        masked.positions.with_flat_values(
            tf.cast(masked.positions.flat_values >= 0, tf.float32)
        ),
        tf.zeros_like(texts, tf.int32),
        windows.num_windows,
    )


def answering_features(
    texts: tf.Tensor, tokenizer: Tokenizer, sequence_length: int
) -> Features:
    """Returns sequences that ask for the gaps; see `TaskHead.features`.

    A long text becomes windows that overlap; each gap is asked for where it
    stands farthest from an edge.

    Args:
        texts: string `(B,)`.
        tokenizer: the model's.
        sequence_length: int. Maximum number of tokens in a sequence.
    """
    token_ids = tokenize_masked(texts, tokenizer)
    capacity = sequence_length - tokenizer.num_special_tokens(1)
    windows = overlapping_windows(
        token_ids.row_lengths(), capacity, round(OVERLAP * capacity)
    )
    body = cut(token_ids, windows.rows, windows.starts, windows.ends)
    asked = owned(windows) & (body == tokenizer.mask_id)
    numbers = tf.ragged.range(tf.cast(body.row_lengths(), tf.int32))
    positions = marked(
        body.with_flat_values(numbers.flat_values), asked.flat_values
    )
    masks = mask_offsets(texts)
    return Features(
        _inputs(body, positions, tokenizer, sequence_length),
        None,
        None,
        tf.zeros_like(texts, tf.int32),
        windows.num_windows,
        {
            "text": texts,
            "num_asked": tf.RaggedTensor.from_row_lengths(
                positions.row_lengths(), windows.num_windows, validate=False
            ),
            **masks._asdict(),
        },
        {
            "tokens": tf.constant(tokenizer.tokens),
            "token_texts": tf.constant(tokenizer.token_texts()),
        },
    )


def cut(
    row_values: tf.RaggedTensor, rows: tf.Tensor, starts, ends
) -> tf.RaggedTensor:
    """Returns the parts `[starts, ends)` of the rows with these numbers."""
    base = tf.gather(row_values.row_starts(), rows)
    indices = tf.ragged.range(base + starts, base + ends)
    return tf.gather(row_values.flat_values, indices)


def owned(windows) -> tf.RaggedTensor:
    """Returns bool `(R, None)`, the tokens that each window owns."""
    token = tf.ragged.range(windows.starts, windows.ends)
    owner = row_ids(token)
    return token.with_flat_values(
        (token.flat_values >= tf.gather(windows.owned_starts, owner))
        & (token.flat_values < tf.gather(windows.owned_ends, owner))
    )


def _inputs(token_ids, positions, tokenizer, sequence_length: int) -> dict:
    packed = tokenizer.pack([token_ids], sequence_length)
    return {**packed.inputs, MASK_POSITIONS: packed.positions(positions)}


class MaskOffsets(NamedTuple):
    """Where the gaps of `B` texts stand, all int32 ragged `(B, M)`.

    Starts are inclusive, ends exclusive; bytes are those of UTF-8.
    """

    byte_start: tf.RaggedTensor
    byte_end: tf.RaggedTensor
    char_start: tf.RaggedTensor
    char_end: tf.RaggedTensor


def tokenize_masked(texts: tf.Tensor, tokenizer) -> tf.RaggedTensor:
    """Returns the token ids of string `(B,)`, int32 `(B, None)`.

    What stands on either side of a gap is tokenized on its own, so a token
    that touches one begins a word.
    """
    parts = _split(texts)
    tokens = tokenizer.tokenize(parts.flat_values)
    follows = _mask_follows(parts)
    masks = tf.RaggedTensor.from_row_lengths(
        tf.repeat(tokenizer.mask_id, tf.math.count_nonzero(follows)),
        tf.cast(follows, tf.int64),
        validate=False,
    )
    whole = joined(tokens, masks)
    return tf.RaggedTensor.from_row_splits(
        whole.flat_values,
        tf.gather(whole.row_splits, parts.row_splits),
        validate=False,
    )


def mask_offsets(texts: tf.Tensor) -> MaskOffsets:
    """Returns where the gaps of string `(B,)` stand."""
    parts = _split(texts)
    follows = _mask_follows(parts)

    def ends(unit):
        lengths = tf.strings.length(parts.flat_values, unit) + len(MASK)
        before = tf.cumsum(lengths, exclusive=True)
        before_text = tf.gather(before, parts.row_starts())
        before -= tf.gather(before_text, row_ids(parts))
        return marked(parts.with_flat_values(before + lengths), follows)

    byte_end, char_end = ends("BYTE"), ends("UTF8_CHAR")
    return MaskOffsets(
        byte_end - len(MASK), byte_end, char_end - len(MASK), char_end
    )


def fill_masks(texts: tf.Tensor, fillings: tf.Tensor) -> tf.Tensor:
    """Returns the texts with something in their gaps.

    Args:
        texts: string `(B,)`.
        fillings: string, one for each gap of all texts.
    """
    parts = _split(texts)
    follows = _mask_follows(parts)
    index = tf.cumsum(tf.cast(follows, tf.int32)) - 1
    after = tf.gather(
        tf.concat([fillings, [""]], 0),
        tf.where(follows, index, tf.size(fillings)),
    )
    return tf.strings.unsorted_segment_join(
        tf.strings.join([parts.flat_values, after]),
        row_ids(parts),
        tf.size(texts),
    )


def _split(texts: tf.Tensor) -> tf.RaggedTensor:
    """Returns the parts of texts between gaps, at least one a text."""
    return tf.strings.split(texts, sep=MASK)


def _mask_follows(parts: tf.RaggedTensor) -> tf.Tensor:
    """Returns bool, whether a gap follows each part of all texts."""
    rows = row_ids(parts)
    return tf.concat([rows[1:] == rows[:-1], [False]], 0)[: tf.size(rows)]
