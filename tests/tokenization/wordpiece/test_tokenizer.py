"""The tokenizer that models hold: engines, saving and loading."""

import json

import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cafe", "Café", "é"]


@pytest.fixture
def tokenizer():
    return BertTokenizer(Vocabulary(TOKENS), lowercase=True, engine="graph")


def test_engines_agree_and_are_built_once(tokenizer):
    pytest.importorskip("tensorflow_text")
    fast = tokenizer.engine("fast")
    assert fast is tokenizer.engine("fast")
    assert fast is tokenizer.engine("auto")
    assert fast.tokenize(["Café x"]).to_list() == [[5, 1]]
    assert tokenizer.tokenize(["Café x"]).to_list() == [[5, 1]]


def test_offsets_come_with_the_chosen_engine(tokenizer):
    spans = tokenizer.tokenize_with_offsets([" Café"])
    assert spans.char_ends.to_list() == [[5]]
    assert spans.byte_ends.to_list() == [[6]]


def test_unknown_engines_are_refused():
    with pytest.raises(InputError, match="one of auto, fast, graph.*'quick'"):
        BertTokenizer(Vocabulary(TOKENS), True, engine="quick")


def test_config_rebuilds_the_tokenizer(tokenizer):
    copy = BertTokenizer(tokenizer.vocabulary, **tokenizer.get_config())
    assert copy.get_config() == {
        "lowercase": True,
        "strip_accents": None,
        "engine": "graph",
    }


@pytest.mark.parametrize(
    ("lowercase", "strip_accents"), [(True, None), (False, True)]
)
def test_saving_and_loading(tmp_path, lowercase, strip_accents):
    vocabulary = Vocabulary(TOKENS, mask="é")
    BertTokenizer(vocabulary, lowercase, strip_accents).save(tmp_path)
    loaded = BertTokenizer.load(tmp_path, engine="graph")
    assert loaded.vocabulary == vocabulary
    assert loaded.vocabulary.mask_id == 7
    assert loaded.lowercase is lowercase
    assert loaded.strip_accents is strip_accents
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "tokenizer.json",
        "vocab.txt",
    ]


def test_another_vocabulary_is_refused(tmp_path, tokenizer):
    tokenizer.save(tmp_path)
    Vocabulary([*TOKENS, "more"]).save(tmp_path / "vocab.txt")
    with pytest.raises(InputError, match="was saved with tokenizer.json"):
        BertTokenizer.load(tmp_path)


def test_a_directory_must_tell_the_case(tmp_path):
    Vocabulary(TOKENS).save(tmp_path / "vocab.txt")
    with pytest.raises(InputError, match="must say whether the model is cased"):
        BertTokenizer.load(tmp_path)


def test_a_hugging_face_directory(tmp_path):
    Vocabulary(TOKENS).save(tmp_path / "vocab.txt")
    config = {"do_lower_case": False, "strip_accents": None}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    loaded = BertTokenizer.load(tmp_path, engine="graph")
    assert loaded.tokenize(["Café cafe"]).to_list() == [[6, 5]]


def test_a_hugging_face_directory_without_vocabulary_file(tmp_path):
    config = {
        "normalizer": {"type": "BertNormalizer", "lowercase": True},
        "model": {"vocab": {token: id for id, token in enumerate(TOKENS)}},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(config))
    loaded = BertTokenizer.load(tmp_path, engine="graph")
    assert loaded.tokenize(["Café é"]).to_list() == [[5, 1]]


def test_a_published_hugging_face_directory(shared):
    source = shared / "models" / "hf_bert_safetensors_tiny"
    tokenizer = BertTokenizer.load(source, engine="graph")
    lines = (source / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert tokenizer.vocabulary.tokens == tuple(lines)
    assert tokenizer.lowercase is False
