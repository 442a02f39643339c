"""Hidden tokens: how many, which, and what stands in their place."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.pretraining.masking import hide_tokens
from keras_bert_zoo.tokenization import BertTokenizer
from keras_bert_zoo.tokenization import Vocabulary

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PLAIN = [f"w{number}" for number in range(90)]
UNUSED = ["[unused0]", "[unused12]"]
VOCABULARY = Vocabulary([*SPECIAL, *UNUSED, *PLAIN])
TOKENIZER = BertTokenizer(VOCABULARY, lowercase=True)
FIRST = len(SPECIAL) + len(UNUSED)


def hide(rows, seed=1, rate=0.15):
    return hide_tokens(
        tf.ragged.constant(rows, tf.int32, ragged_rank=1),
        tf.constant([seed, 0], tf.int64),
        TOKENIZER,
        rate,
    )


def plain_rows(count, length):
    generator = np.random.default_rng(0)
    top = len(VOCABULARY)
    return generator.integers(FIRST, top, (count, length)).tolist()


@pytest.mark.parametrize(
    ("length", "rate", "expected"),
    [(1, 0.15, 1), (2, 0.15, 1), (20, 0.15, 3), (50, 0.15, 8), (10, 0.5, 5)],
)
def test_each_sequence_hides_its_fraction(length, rate, expected):
    found = hide(plain_rows(6, length), rate=rate)
    assert found.positions.row_lengths().numpy().tolist() == [expected] * 6


def test_originals_are_what_stood_there():
    rows = plain_rows(50, 30)
    found = hide(rows)
    for row, seen, places, originals in zip(
        rows,
        found.token_ids.to_list(),
        found.positions.to_list(),
        found.originals.to_list(),
        strict=True,
    ):
        assert places == sorted(set(places))
        assert [row[place] for place in places] == originals
        rest = set(range(30)) - set(places)
        assert all(seen[place] == row[place] for place in rest)


def test_eight_in_ten_are_masked_and_one_is_random():
    rows = np.array(plain_rows(400, 100))
    found = hide(rows.tolist(), rate=0.5)
    seen = np.array(found.token_ids.to_list())
    chosen = np.zeros(rows.shape, bool)
    for row, places in enumerate(found.positions.to_list()):
        chosen[row, places] = True
    count = chosen.sum()
    assert count == 20_000
    masked = (seen[chosen] == VOCABULARY.mask_id).sum() / count
    kept = (seen[chosen] == rows[chosen]).sum() / count
    # Six standard deviations; one random token in ninety is the old one.
    assert abs(masked - 0.8) < 6 * np.sqrt(0.8 * 0.2 / count)
    assert abs(kept - 0.1 - 0.1 / 90) < 6 * np.sqrt(0.1 * 0.9 / count)
    others = seen[chosen & (seen != VOCABULARY.mask_id)]
    assert others.min() >= FIRST
    # Positions are chosen evenly.
    shares = chosen.mean(axis=0)
    assert abs(shares - 0.5).max() < 6 * np.sqrt(0.25 / 400)


def test_special_tokens_are_never_chosen():
    special = list(range(len(SPECIAL)))
    found = hide([[*special, FIRST, *special], special, []], rate=0.9)
    assert found.positions.to_list() == [[5], [], []]
    assert found.originals.to_list() == [[FIRST], [], []]
    assert found.token_ids[1].numpy().tolist() == special


def test_the_seed_alone_decides():
    rows = plain_rows(20, 40)
    tf.random.set_seed(1)
    first = hide(rows, seed=4).token_ids.to_list()
    tf.random.set_seed(2)
    assert first == hide(rows, seed=4).token_ids.to_list()
    assert first != hide(rows, seed=5).token_ids.to_list()


def test_a_vocabulary_of_special_tokens_hides_nothing():
    found = hide_tokens(
        tf.ragged.constant([[1, 1]], tf.int32),
        tf.constant([1, 2], tf.int64),
        BertTokenizer(Vocabulary(SPECIAL), lowercase=True),
        0.15,
    )
    assert found.token_ids.to_list() == [[1, 1]]
