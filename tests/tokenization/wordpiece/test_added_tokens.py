"""Tokens that were added to a vocabulary: found whole, read and written."""

import json
import random

import pytest
import tensorflow as tf

from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import load_tokenizer
from keras_bert_zoo.presets import save_preset
from keras_bert_zoo.tokenization.wordpiece.added_tokens import AddedToken
from keras_bert_zoo.tokenization.wordpiece.graph_tokenizer import GraphTokenizer
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

ENGINES = ("python", "graph", "fast")
VARIANTS = [(True, None), (False, None), (True, False), (False, True)]
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
TOKENS = (
    *SPECIAL_TOKENS,
    *"abcdefgh1[]中文-é\u0301",
    *(f"##{letter}" for letter in "abcdefgh1é"),
    *("new", "york", "##ab", "hello"),
)
ADDED = (
    AddedToken("[E1]"),
    AddedToken("[E12]", special=True),
    AddedToken("covid"),
    AddedToken("Covid19", normalized=False),
    AddedToken("New York"),
    AddedToken("ÉA"),
    AddedToken("a中"),
    AddedToken("<e>", special=True, lstrip=True, rstrip=True),
    AddedToken("hello"),  # one of the vocabulary's
    AddedToken("aa"),
    AddedToken("aaab"),
    AddedToken("##b"),
)
PIECES = (
    *("[E1]", "[e1]", "[E12]", "E1]", "[", "]", "covid", "COVID", "Covid19"),
    *("new york", "New York", "New\tYork", "New  York", "New", "York"),
    *("éa", "ÉA", "E\u0301A", "ea", "a中", "A中", "a 中", "中", "a", "b"),
    *("<e>", "  <e> ", "hello", "Hello", "aa", "aaab", "aaaab", "##b"),
    *(" ", "é", "\x00", "x", "-", "\u0301", "\u00a0"),
)


@pytest.fixture
def with_added():
    return Vocabulary(TOKENS, added=ADDED)


def random_texts(count):
    draw = random.Random(3)
    texts = [
        "".join(draw.choice(PIECES) for _ in range(draw.randint(1, 8)))
        for _ in range(count)
    ]
    return ["", "New", "York", *texts]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a [E1] b", ["a", "[E1]", "b"]),
        ("ab[e1]hello", ["a", "##b", "[E1]", "hello"]),
        ("[E12][e12]", ["[E12]", "[", "[UNK]", "]"]),
        ("covids", ["covid", "[UNK]"]),
        ("new  york new york", ["new", "york", "New York"]),
        ("aaaab", ["aa", "aa", "b"]),
        ("[CLS]", ["[", "[UNK]", "]"]),
    ],
)
def test_added_tokens_are_one_id(
    make_engine, with_added, engine, text, expected
):
    (row,) = make_engine(engine, True, None, with_added).rows([text])
    assert [with_added.tokens[token[0]] for token in row] == expected


@pytest.mark.parametrize(
    "variant",
    [(True, None), pytest.param((False, True), marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("engine", ("graph", "fast"))
def test_random_texts_agree_with_the_specification(
    make_engine, with_added, engine, variant
):
    texts = random_texts(300)
    made = make_engine(engine, *variant, with_added)
    expected = make_engine("python", *variant, with_added).rows(texts)
    assert made.rows(texts) == expected
    ids = made.tokenizer.tokenize(texts).to_list()
    assert ids == [[token[0] for token in row] for row in expected]
    assert made.tokenizer.tokenize([]).shape[0] == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_ids_and_offsets_are_those_of_tokenizers(
    make_engine, with_added, variant
):
    tokenizers = pytest.importorskip("tokenizers")
    reference = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(
            {token: index for index, token in enumerate(TOKENS)},
            unk_token="[UNK]",
            max_input_chars_per_word=100,
        )
    )
    reference.normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=variant[0], strip_accents=variant[1]
    )
    reference.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    for token in ADDED:
        added = tokenizers.AddedToken(
            token.content,
            lstrip=token.lstrip,
            rstrip=token.rstrip,
            normalized=token.normalized,
            special=token.special,
        )
        if token.special:
            reference.add_special_tokens([added])
        else:
            reference.add_tokens([added])
    texts = random_texts(1000)
    rows = make_engine("python", *variant, with_added).rows(texts)
    for text, row in zip(texts, rows, strict=True):
        encoding = reference.encode(text, add_special_tokens=False)
        assert [token[0] for token in row] == encoding.ids
        # A token that takes the spaces beside it marks them, too.
        expected = [
            (
                end - len(text[start:end].lstrip()),
                start + len(text[start:end].rstrip()),
            )
            if "<e>" in text[start:end]
            else (start, end)
            for start, end in encoding.offsets
        ]
        assert [token[3:] for token in row] == expected


def test_they_are_part_of_the_configuration(with_added):
    tokenizer = BertTokenizer(with_added, True)
    config = json.loads(json.dumps(tokenizer.get_config()))
    assert BertTokenizer.from_config(config).vocabulary == with_added
    bare = BertTokenizer(Vocabulary(with_added.tokens), True)
    assert bare.description() != tokenizer.description()


def test_a_token_of_marks_is_a_word_of_its_own(with_added):
    tokenizer = BertTokenizer(with_added, True)
    texts = tf.constant(["[E1]hello[E12] acovid"])
    spans = tokenizer.tokenize_with_offsets(texts)
    begins = tokenizer.word_starts(texts, spans).numpy().tolist()
    assert begins == [True, True, True, True, False]


def test_special_tokens_are_not_hidden(with_added):
    maskable = BertTokenizer(with_added, True).maskable_tokens()
    assert maskable[with_added.get("[E1]")]
    assert not maskable[with_added.get("[E12]")]


@pytest.mark.slow
def test_a_saved_graph_finds_them(tmp_path, with_added):
    module = tf.Module()
    module.tokenizer = GraphTokenizer(with_added, lowercase=True)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def ids(texts):
        return module.tokenizer.tokenize(texts)

    module.ids = ids
    tf.saved_model.save(module, str(tmp_path))
    found = tf.saved_model.load(str(tmp_path)).ids(tf.constant(["a[e1]"]))
    wanted = [[with_added.get("a"), with_added.get("[E1]")]]
    assert found.to_list() == wanted


def flags(content, **changes):
    usual = {
        "content": content,
        "lstrip": False,
        "rstrip": False,
        "single_word": False,
        "normalized": True,
        "special": False,
    }
    return {**usual, **changes}


def write(directory, **files):
    vocabulary = "".join(f"{token}\n" for token in TOKENS)
    (directory / "vocab.txt").write_text(vocabulary, encoding="utf-8")
    config = {"do_lower_case": True, **files.pop("config", {})}
    for name, content in {"tokenizer_config": config, **files}.items():
        path = directory / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")


NEXT = len(TOKENS)


@pytest.mark.parametrize(
    "files",
    [
        {"added_tokens": {"[E1]": NEXT}},
        {"tokenizer": {"added_tokens": [{"id": NEXT, **flags("[E1]")}]}},
        {
            "tokenizer": {"added_tokens": [{"id": NEXT, **flags("[E1]")}]},
            "added_tokens": {"[E1]": NEXT},
        },
        {
            "config": {
                "added_tokens_decoder": {
                    "0": flags("[PAD]", normalized=False, special=True),
                    str(NEXT): flags("[E1]"),
                }
            }
        },
    ],
)
def test_every_published_form_is_read(tmp_path, files):
    write(tmp_path, **files)
    tokenizer = BertTokenizer.load(tmp_path)
    assert tokenizer.vocabulary.added == (AddedToken("[E1]"),)
    assert tokenizer.vocabulary_size == NEXT + 1
    assert tokenizer.tokenize(["[e1]"]).to_list() == [[NEXT]]


def test_special_tokens_of_older_files_are_found_as_written(tmp_path):
    write(
        tmp_path,
        added_tokens={"[E1]": NEXT},
        special_tokens_map={"additional_special_tokens": ["[E1]"]},
    )
    (token,) = BertTokenizer.load(tmp_path).vocabulary.added
    assert token == AddedToken("[E1]", special=True, normalized=False)


def test_ordinary_files_add_nothing(tmp_path):
    listed = {
        str(index): flags(token, special=True, normalized=False)
        for index, token in enumerate(SPECIAL_TOKENS)
    }
    write(tmp_path, config={"added_tokens_decoder": listed})
    assert BertTokenizer.load(tmp_path).vocabulary == Vocabulary(TOKENS)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ({str(NEXT): flags("[E1]", single_word=True)}, "single_word=true"),
        ({str(NEXT + 1): flags("[E1]")}, f"as {NEXT + 1} in .*it is {NEXT}"),
        ({"5": flags("[E1]")}, r"'\[E1\]' as 5 in"),
        ({str(NEXT): flags("[E1]", lstrip="no")}, "true or false"),
        ({str(NEXT): flags(7)}, "must be a token. Received: 7"),
        ({str(NEXT): flags("a" * 101)}, "1 to 100 characters"),
        ({"x": flags("[E1]")}, "must have ids, texts"),
        (["[E1]"], "must have ids, texts"),
        ({str(NEXT): flags("\x00")}, "nothing is left"),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path, listed, message):
    write(tmp_path, config={"added_tokens_decoder": listed})
    with pytest.raises(InputError, match=message):
        BertTokenizer.load(tmp_path).tokenize(["a"])


def test_they_survive_saving(tmp_path, with_added):
    encoder = BertEncoder(
        vocabulary_size=len(with_added),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=8,
    )
    directory = tmp_path / "model"
    save_preset(encoder, BertTokenizer(with_added, True), directory)
    assert load_tokenizer(directory).vocabulary == with_added
    (directory / "vocab.txt").unlink()
    (directory / "task.json").unlink()
    assert load_tokenizer(directory).vocabulary == with_added


def test_tokenizers_reads_what_is_written(tmp_path, with_added):
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = BertTokenizer(with_added, True)
    tokenizer.save(tmp_path)
    path = str(tmp_path / "tokenizer.json")
    reference = tokenizers.Tokenizer.from_file(path)
    texts = [one for one in random_texts(200) if "[" not in one]
    found = tokenizer.tokenize(texts).to_list()
    expected = reference.encode_batch(texts, add_special_tokens=False)
    assert found == [one.ids for one in expected]


def test_a_token_is_added_once():
    with pytest.raises(InputError, match="added once.*'x' twice"):
        Vocabulary(TOKENS, added=[AddedToken("x"), AddedToken("x")])


SPELLED = ("[CLS]", " [SEP]", "[MASK] ", "[UNK]", "[PAD]", "[sep]", "[")


def spelled_texts():
    draw = random.Random(5)
    return ["".join(draw.choices(SPELLED + PIECES, k=5)) for _ in range(300)]


@pytest.mark.parametrize("engine", ENGINES)
def test_special_tokens_in_texts_are_those_of_tokenizers_if_asked(
    make_engine, tmp_path, with_added, engine
):
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = BertTokenizer(with_added, True).with_special_in_texts(True)
    tokenizer.save(tmp_path)
    reference = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    texts = spelled_texts()
    expected = reference.encode_batch(texts, add_special_tokens=False)
    rows = make_engine(engine, True, None, tokenizer.vocabulary).rows(texts)
    found = [[token[0] for token in row] for row in rows]
    assert found == [one.ids for one in expected]
    assert with_added.separator_id in sum(found, [])


def test_the_rule_for_special_tokens_survives_saving(tmp_path, with_added):
    plain = BertTokenizer(with_added, True)
    found = plain.with_special_in_texts(True)
    assert found.with_special_in_texts(False).vocabulary == with_added
    found.save(tmp_path)
    assert BertTokenizer.load(tmp_path).vocabulary == found.vocabulary
    config = json.loads(json.dumps(found.get_config()))
    assert BertTokenizer.from_config(config).vocabulary == found.vocabulary
    assert found.description() != plain.description()


def test_published_files_tell_the_rule_for_special_tokens(tmp_path):
    write(tmp_path, config={"split_special_tokens": False})
    tokenizer = BertTokenizer.load(tmp_path)
    separator = tokenizer.vocabulary.separator_id
    assert tokenizer.tokenize(["a[SEP]"]).to_list()[0][-1] == separator
