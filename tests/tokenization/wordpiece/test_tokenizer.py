"""The tokenizer that models hold: engines, saving and loading."""

import json

import numpy as np
import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.testing import check_tokenizer
from keras_bert_zoo.tokenization import find_tokenizer
from keras_bert_zoo.tokenization import load_tokenizer
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


def test_tokens_or_a_file_of_them_are_a_vocabulary(tokenizer, tmp_path):
    path = tmp_path / "vocab.txt"
    tokenizer.vocabulary.save(path)
    for vocabulary in (TOKENS, path, str(path)):
        assert BertTokenizer(vocabulary, True).vocabulary == Vocabulary(TOKENS)
    with pytest.raises(InputError, match="readable text file"):
        BertTokenizer("vocab.text", True)
    for other in (5, {"[PAD]": 0}, set(TOKENS)):
        with pytest.raises(InputError, match="in the order of their ids"):
            BertTokenizer(other, True)


def test_flags_are_true_or_false(tokenizer):
    with pytest.raises(InputError, match="`lowercase` must be True or False"):
        BertTokenizer(TOKENS, "no")
    with pytest.raises(InputError, match="`strip_accents` must be"):
        BertTokenizer(TOKENS, True, strip_accents="x")
    assert BertTokenizer(TOKENS, np.True_).lowercase is True


def test_offsets_come_with_the_chosen_engine(tokenizer):
    spans = tokenizer.tokenize_with_offsets([" Café"])
    assert spans.char_ends.to_list() == [[5]]
    assert spans.byte_ends.to_list() == [[6]]


def test_unknown_engines_are_refused():
    with pytest.raises(InputError, match="one of auto, fast, graph.*'quick'"):
        BertTokenizer(Vocabulary(TOKENS), True, engine="quick")


def test_other_numbers_of_segments_are_refused(tokenizer):
    ids = tokenizer.tokenize(["cafe"])
    for count in (0, 3):
        with pytest.raises(InputError, match=f"one or two segments.*{count}"):
            tokenizer.pack([ids] * count, 8)


def test_keeps_the_contract(tokenizer):
    check_tokenizer(tokenizer, ["Café cafe é"])


def test_engines_are_chosen_by_name(tokenizer):
    pytest.importorskip("tensorflow_text")
    fast = tokenizer.with_engine("fast")
    assert fast.get_config()["engine"] == "fast"
    assert tokenizer.get_config()["engine"] == "graph"
    assert fast.tokenize(["Café x"]).to_list() == [[5, 1]]
    assert fast.engine("graph") is tokenizer.engine("graph")


def test_unused_tokens_hide_nothing():
    tokens = [*TOKENS, "[unused3]"]
    found = BertTokenizer(Vocabulary(tokens), True).maskable_tokens()
    assert found.tolist() == [False] * 5 + [True] * 3 + [False]


def test_an_encoder_without_segments_is_given_none(tokenizer):
    bare = tokenizer.for_encoder(["token_ids", "padding_mask"])
    packed = bare.pack([tokenizer.tokenize(["cafe é"])], 8)
    assert packed.inputs.keys() == {"token_ids"}
    whole = bare.for_encoder(["token_ids", "segment_ids", "padding_mask"])
    assert whole.pack([tokenizer.tokenize(["é"])], 8).inputs.keys() == {
        "token_ids",
        "segment_ids",
    }


def test_an_encoder_that_reads_more_is_refused(tokenizer):
    with pytest.raises(InputError, match="language_ids"):
        tokenizer.for_encoder(["token_ids", "padding_mask", "language_ids"])


@pytest.mark.parametrize(
    ("lowercase", "strip_accents"), [(True, None), (False, True)]
)
def test_saving_and_loading(tmp_path, lowercase, strip_accents):
    vocabulary = Vocabulary(TOKENS, mask="é")
    BertTokenizer(vocabulary, lowercase, strip_accents).save(tmp_path)
    loaded = load_tokenizer(tmp_path, engine="graph")
    assert isinstance(loaded, BertTokenizer)
    assert loaded.vocabulary == vocabulary
    assert loaded.mask_id == 7
    assert loaded.lowercase is lowercase
    assert loaded.strip_accents is strip_accents
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    ]


@pytest.mark.parametrize(
    ("config", "fast", "is_wordpiece"),
    [
        (None, None, True),
        ({"tokenizer_class": "DistilBertTokenizerFast"}, None, True),
        ({"tokenizer_class": "MPNetTokenizer"}, None, False),
        ({"tokenizer_class": "BertTokenizer"}, {"type": "BPE"}, True),
        (
            {"tokenizer_class": "PreTrainedTokenizerFast"},
            {"type": "BPE"},
            False,
        ),
        (None, {"type": "BPE"}, False),
        (None, {"type": "WordPiece"}, True),
        (None, {"vocab": {}}, True),
        (None, {"vocab": {}, "merges": []}, False),
    ],
)
def test_files_are_recognized_by_their_tokenizer(
    tmp_path, config, fast, is_wordpiece
):
    (tmp_path / "vocab.txt").write_text("")
    if config is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    if fast is not None:
        (tmp_path / "tokenizer.json").write_text(json.dumps({"model": fast}))
    expected = BertTokenizer if is_wordpiece else None
    assert find_tokenizer(tmp_path) is expected


def test_files_of_no_tokenizer_are_refused(tmp_path):
    (tmp_path / "tokenizer.model").write_text("")
    with pytest.raises(InputError, match="wordpiece.*tokenizer.model"):
        load_tokenizer(tmp_path)


def test_a_directory_must_state_the_case(tmp_path):
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
