"""Masked tokens: how many, which, and what stands in their place."""

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.masking import mask_tokens
from keras_bert_zoo.tokenization import BertTokenizer
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import Vocabulary

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PLAIN = [f"w{number}" for number in range(90)]
UNUSED = ["[unused0]", "[unused12]"]
VOCABULARY = Vocabulary([*SPECIAL, *UNUSED, *PLAIN])
TOKENIZER = BertTokenizer(VOCABULARY, lowercase=True)
FIRST = len(SPECIAL) + len(UNUSED)


def mask(rows, seed=1, rate=0.15):
    return mask_tokens(
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
    found = mask(plain_rows(6, length), rate=rate)
    assert found.positions.row_lengths().numpy().tolist() == [expected] * 6


def test_originals_are_what_stood_there():
    rows = plain_rows(50, 30)
    found = mask(rows)
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
    found = mask(rows.tolist(), rate=0.5)
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
    found = mask([[*special, FIRST, *special], special, []], rate=0.9)
    assert found.positions.to_list() == [[5], [], []]
    assert found.originals.to_list() == [[FIRST], [], []]
    assert found.token_ids[1].numpy().tolist() == special


def test_the_seed_alone_decides():
    rows = plain_rows(20, 40)
    tf.random.set_seed(1)
    first = mask(rows, seed=4).token_ids.to_list()
    tf.random.set_seed(2)
    assert first == mask(rows, seed=4).token_ids.to_list()
    assert first != mask(rows, seed=5).token_ids.to_list()


def test_a_vocabulary_of_special_tokens_hides_nothing():
    found = mask_tokens(
        tf.ragged.constant([[1, 1]], tf.int32),
        tf.constant([1, 2], tf.int64),
        BertTokenizer(Vocabulary(SPECIAL), lowercase=True),
        0.15,
    )
    assert found.token_ids.to_list() == [[1, 1]]


CONTINUED = ["##s", "##ing", "##ed"]
OF_PARTS = BertTokenizer(
    Vocabulary([*SPECIAL, *PLAIN, *CONTINUED]), lowercase=True
)
FIRST_PART = len(SPECIAL) + len(PLAIN)


def rows_of_words(count, length, seed=0):
    """Returns rows of words with 1 to 4 tokens, between special tokens."""
    draw = np.random.default_rng(seed)
    size = OF_PARTS.vocabulary_size
    rows = []
    for _ in range(count):
        row = [2]
        while len(row) < length:
            row.append(int(draw.integers(len(SPECIAL), FIRST_PART)))
            row += draw.integers(FIRST_PART, size, draw.integers(0, 4)).tolist()
        rows.append([*row[:length], 3])
    return rows


def hide_parts(rows, units, seed=1, rate=0.15):
    return mask_tokens(
        tf.ragged.constant(rows, tf.int32),
        tf.constant([seed, 0], tf.int64),
        OF_PARTS,
        rate,
        units,
    )


def words_of(row):
    """Returns the positions of each word."""
    words = []
    for position, token in enumerate(row):
        if token >= FIRST_PART:
            words[-1].append(position)
        else:
            words.append([position])
    return words


@pytest.mark.slow
@pytest.mark.parametrize("units", ["tokens", "words", "spans"])
@pytest.mark.parametrize("rate", [0.15, 0.3])
def test_rates_over_a_million_tokens_are_the_published_ones(units, rate):
    rows = rows_of_words(8000, 126)
    found = hide_parts(rows, units, rate=rate)
    num_plain = 8000 * 125
    chosen = found.positions.flat_values.shape[0]
    # 125 tokens of a row: the nearest whole number of them.
    wanted = np.floor(rate * 125 + 0.5)
    if units == "words":
        # What is left is too short for any word now and then.
        assert wanted - 0.2 < chosen / 8000 <= wanted
    else:
        assert chosen == wanted * 8000
    assert abs(chosen / num_plain - rate) < 0.5 / 125 + 0.002
    seen = found.token_ids.numpy()
    before = np.array(rows)
    mask = np.zeros(before.shape, bool)
    mask[
        np.repeat(np.arange(8000), found.positions.row_lengths()),
        found.positions.flat_values,
    ] = True
    assert not mask[:, [0, -1]].any()
    assert np.array_equal(seen[~mask], before[~mask])
    masked = seen[mask] == OF_PARTS.mask_id
    kept = seen[mask] == before[mask]
    # Tokens of a span are masked alike: as if there were fewer.
    number = chosen / (1 if units != "spans" else 9)
    same = 0.1 / (len(PLAIN) + len(CONTINUED))
    assert abs(masked.mean() - 0.8) < 3 * np.sqrt(0.16 / number)
    assert abs(kept.mean() - 0.1 - same) < 3 * np.sqrt(0.09 / number)


def test_words_are_hidden_whole():
    rows = rows_of_words(300, 60)
    found = hide_parts(rows, "words")
    assert found.positions.row_lengths().numpy().mean() > 8
    for row, places in zip(rows, found.positions.to_list(), strict=True):
        for word in words_of(row):
            assert len(set(word) & set(places)) in (0, len(word))


def test_a_word_that_is_too_long_is_not_chosen():
    row = [2, 5, *[FIRST_PART] * 5, 3]
    found = hide_parts([row, [2, 5, 6, 3]], "words")
    assert found.positions.row_lengths().numpy().tolist() == [0, 1]
    nothing = found.or_nothing()
    assert nothing.positions.to_list()[0] == [-1]


def test_words_are_chosen_evenly():
    row = [2, *range(5, 45), 3]
    found = hide_parts([row] * 2000, "words", rate=0.25)
    shares = np.bincount(found.positions.flat_values, minlength=42) / 2000
    assert abs(shares[1:-1] - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 2000)


def test_lengths_of_spans_are_geometric_and_cut_off():
    # So few that they seldom meet.
    row = [2, *[5 + n % 90 for n in range(20_000)], 3]
    found = hide_parts([row] * 20, "spans", rate=0.01)
    lengths = []
    for places in found.positions.to_list():
        runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        lengths += [len(run) for run in runs]
    lengths = np.array(lengths)
    chances = 0.2 * 0.8 ** np.arange(10)
    mean = np.sum(chances / chances.sum() * np.arange(1, 11))
    assert 3.7 < mean < 3.9  # The published one is 3.8.
    # Two that touch look like a longer one; the last of a row may be cut.
    deviation = lengths.std() / np.sqrt(len(lengths))
    assert abs(lengths.mean() - mean) < 3 * deviation + 0.05
    assert np.mean(lengths > 10) < 0.02


def test_tokens_of_a_span_are_hidden_in_the_same_way():
    rows = [[2, *[5 + n % 90 for n in range(1000)], 3]] * 40
    found = hide_parts(rows, "spans", rate=0.02)
    masked = found.token_ids.numpy() == OF_PARTS.mask_id
    alike = []
    for row, places in enumerate(found.positions.to_list()):
        runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        alike += [len(set(masked[row, run])) == 1 for run in runs]
    # But for two that touch.
    assert np.mean(alike) > 0.93


def test_units_stay_within_their_sequence():
    rows = rows_of_words(50, 20)
    together = hide_parts(rows, "spans").positions.to_list()
    assert all(0 < place < 20 for places in together for place in places)


def test_a_tokenizer_that_knows_no_words_refuses_to_mask_them():
    class Plain(BertTokenizer):
        continues_word = Tokenizer.continues_word

    tokenizer = Plain(VOCABULARY, lowercase=True)
    with pytest.raises(InputError, match="where words begin"):
        mask_tokens(
            tf.ragged.constant([[9]], tf.int32),
            tf.constant([1, 0], tf.int64),
            tokenizer,
            0.15,
            "words",
        )
