"""All engines give the published tokenizer's ids and offsets."""

import random

import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece import unicode_tables
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

ENGINES = ("python", "graph", "fast")
TENSOR_ENGINES = ("graph", "fast")
VARIANTS = [(True, None), (False, None), (True, False), (False, True)]

# Noncharacters, which stay, and private ones, which are dropped.
ODD_CODES = (*range(0xFDD0, 0xFDF0), *range(0xE000, 0xF900, 0x80), 0xF8FF)

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

UNPRINTABLE = (
    b"caf\xc3",
    b"\xff\xfea b\xc0\xaf",
    b"\xed\xa0\x80x",
    b"\xf0\x9f",
)


@pytest.mark.parametrize(("lowercase", "strip_accents"), VARIANTS)
@pytest.mark.parametrize("engine", ENGINES)
def test_recorded_ids_and_spans(
    make_engine, recorded, engine, lowercase, strip_accents
):
    cases = [
        case
        for case in recorded["cases"]
        if (case["lowercase"], case["strip_accents"])
        == (lowercase, strip_accents)
    ]
    rows = make_engine(engine, lowercase, strip_accents).rows(
        [case["text"] for case in cases]
    )
    found = {
        case["text"]: [(row[0], row[3], row[4]) for row in rows[index]]
        for index, case in enumerate(cases)
    }
    assert found == {
        case["text"]: list(
            zip(case["ids"], case["starts"], case["ends"], strict=True)
        )
        for case in cases
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_bytes_and_characters_mark_the_same_span(make_engine, recorded, engine):
    texts = sorted({case["text"] for case in recorded["cases"]})
    for text, row in zip(texts, make_engine(engine).rows(texts), strict=True):
        for _, byte_start, byte_end, char_start, char_end in row:
            encoded = text.encode()[byte_start:byte_end]
            assert encoded.decode() == text[char_start:char_end]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_random_texts_agree_with_the_specification(
    make_engine, engine, variant
):
    texts = _random_texts(seed=7, count=400)
    expected = make_engine("python", *variant).rows(texts)
    assert make_engine(engine, *variant).rows(texts) == expected


@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_ids_alone_are_the_ids_with_offsets(make_engine, engine):
    tokenizer = make_engine(engine).tokenizer
    texts = ["plain ascii", "tab\x07", "Café", "한국", *_random_texts(8, 50)]
    for batch in (texts, texts[:1], texts[:2]):
        ids = tokenizer.tokenize(batch)
        with_offsets = tokenizer.tokenize_with_offsets(batch).ids
        assert ids.to_list() == with_offsets.to_list()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_no_text_spells_a_special_token(
    make_engine, vocabulary, engine, variant
):
    texts = ["hello", *_texts_with_ids(range(5))]
    rows = make_engine(engine, *variant).rows(texts)
    assert rows == make_engine("python", *variant).rows(texts)
    special = set(vocabulary.special_tokens().values())
    special.remove("[UNK]")
    found = {vocabulary.tokens[piece[0]] for row in rows for piece in row}
    assert not found & special


@pytest.mark.parametrize(
    ("lowercase", "unknown"),
    [
        (True, "\ue000[UNK]"),
        # What no word is spelled with has nothing to do with case.
        pytest.param(False, "\ue000[UNK]", marks=pytest.mark.slow),
        *(
            pytest.param(True, unknown, marks=pytest.mark.slow)
            for unknown in ("hello", "[UNK]", "\ue0000", "## ")
        ),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_odd_characters_in_the_vocabulary(
    make_engine, engine, lowercase, unknown
):
    odd = [chr(code) for code in ODD_CODES]
    numbered = [f"{one}{number}" for one in odd for number in (0, 3, 7)]
    tokens = [*SPECIAL_TOKENS, "hello", "3", *odd, *numbered]
    tokens += [f"##{one}" for one in odd]
    tokens += ["\ue000[UNK]", "##3", "##s", "## "]
    vocabulary = Vocabulary(tokens, unknown=unknown)
    texts = ["hello", *_texts_with_ids((0, 3, 7, 20, len(tokens) - 1))]
    expected = make_engine("python", lowercase, None, vocabulary)
    found = make_engine(engine, lowercase, None, vocabulary)
    assert found.rows(texts) == expected.rows(texts)


def test_no_normalized_text_holds_a_private_character():
    tables = unicode_tables.load()
    private = set(range(0xE000, 0xF900))
    kinds = {tables.kind(code) for code in private}
    assert kinds == {unicode_tables.REMOVED}
    changes = map(tables.decompose, tables.decomposed_codes())
    written = "".join([*changes, *tables.lowercase.values()])
    assert private.isdisjoint(map(ord, written))


@pytest.mark.parametrize("texts", [[], [""], [" ", "", "\t\n"], ["\x00"]])
@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_nothing_to_tokenize(make_engine, engine, texts):
    tokenizer = make_engine(engine).tokenizer
    batch = tf.constant(texts, tf.string)
    assert tokenizer.tokenize(batch).to_list() == [[] for _ in texts]
    assert make_engine(engine).rows(batch) == [[] for _ in texts]


@pytest.mark.parametrize(
    "engine",
    [pytest.param("python", marks=pytest.mark.slow), *TENSOR_ENGINES],
)
def test_a_megabyte_in_one_text(make_engine, vocabulary, engine):
    rows = make_engine(engine).rows(["hello é " * 60_000 + "x" * 500_000])
    assert len(rows[0]) == 2 * 60_000 + 1
    assert rows[0][-1][0] == vocabulary.unknown_id


@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_ill_formed_utf8_reads_like_replacement_characters(make_engine, engine):
    rows = make_engine(engine).rows(tf.constant(UNPRINTABLE))
    expected = make_engine("python").rows(
        [text.decode(errors="replace") for text in UNPRINTABLE]
    )
    assert [[(row[0], row[3], row[4]) for row in text] for text in rows] == [
        [(row[0], row[3], row[4]) for row in text] for text in expected
    ]


@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_results_are_int32_and_ragged(make_engine, engine):
    spans = make_engine(engine).tokenizer.tokenize_with_offsets(["hello", ""])
    assert spans.ids.dtype == tf.int32
    assert spans.byte_ends.dtype == tf.int32
    assert spans.char_starts.shape.as_list() == [2, None]


@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_inside_a_tf_data_pipeline(make_engine, engine):
    tokenizer = make_engine(engine).tokenizer
    texts = ["Hello, world!", "Café 한국", "", "unwanted"]
    batches = tf.data.Dataset.from_tensor_slices(texts).batch(3)
    found = []
    for ids in batches.map(tokenizer.tokenize, num_parallel_calls=2):
        found += ids.to_list()
    assert found == tokenizer.tokenize(texts).to_list()


@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_built_inside_a_function(make_engine, vocabulary, engine):
    tokenizer_class = type(make_engine(engine).tokenizer)

    @tf.function
    def tokenize(texts):
        return tokenizer_class(vocabulary, True).tokenize(texts)

    assert tokenize(tf.constant(["hello"])).to_list() == [
        [vocabulary.token_to_id("hello")]
    ]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([1, 2], "must be a list of str"),
        (["\ud800"], "must be a list of str"),
        ("one text", r"Received: shape \(\). Wrap one text in a list"),
        ([["a"]], r"Received: shape \(1, 1\)"),
    ],
)
@pytest.mark.parametrize("engine", TENSOR_ENGINES)
def test_other_inputs_are_refused(make_engine, engine, texts, message):
    with pytest.raises(InputError, match=message):
        make_engine(engine).tokenizer.tokenize(texts)


def _texts_with_ids(ids):
    """Writes ids behind characters that texts seldom hold."""
    return [
        f"hello {chr(code)}{number}{end} world"
        for code in ODD_CODES
        for number in ids
        for end in ("", "s", "\u0301")
    ]


def _random_texts(seed, count):
    """Mixes ASCII, other scripts, marks in any order and odd characters."""
    marks = [chr(code) for code in unicode_tables.load().combining_classes]
    source = random.Random(seed)

    def character():
        kind = source.random()
        if kind < 0.4:
            return source.choice("abcdefghABC xyz  .,-'\t")
        if kind < 0.6:
            return source.choice(marks)
        return chr(
            source.choice(
                [
                    source.randrange(0x20, 0x600),
                    source.randrange(0x600, 0xD800),
                    source.randrange(0xE000, 0x110000),
                ]
            )
        )

    return [
        "".join(character() for _ in range(source.randrange(40)))
        for _ in range(count)
    ]
