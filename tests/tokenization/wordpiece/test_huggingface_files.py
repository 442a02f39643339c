"""What a Hugging Face directory says about its tokenizer."""

import json

import pytest

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import BertTokenizer
from keras_bert_zoo.tokenization import Vocabulary
from keras_bert_zoo.tokenization import read_huggingface_options

NORMALIZER = {
    "type": "BertNormalizer",
    "clean_text": True,
    "handle_chinese_chars": True,
    "strip_accents": None,
    "lowercase": True,
}
MODEL = {
    "type": "WordPiece",
    "unk_token": "[UNK]",
    "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 100,
    "vocab": {"b": 1, "a": 0},
}


def _write(directory, name, config):
    (directory / name).write_text(json.dumps(config), encoding="utf-8")


def test_no_files_say_nothing(tmp_path):
    assert read_huggingface_options(tmp_path) == {}


def test_tokenizer_config(tmp_path):
    config = {
        "do_lower_case": True,
        "strip_accents": False,
        "mask_token": {"content": "<mask>", "lstrip": True},
        "pad_token": "<pad>",
    }
    _write(tmp_path, "tokenizer_config.json", config)
    assert read_huggingface_options(tmp_path) == {
        "lowercase": True,
        "strip_accents": False,
        "special_tokens": {"padding": "<pad>", "mask": "<mask>"},
    }


def test_tokenizer_json(tmp_path):
    config = {"normalizer": NORMALIZER, "model": MODEL}
    _write(tmp_path, "tokenizer.json", config)
    assert read_huggingface_options(tmp_path) == {
        "lowercase": True,
        "tokens": ["a", "b"],
    }


def test_tokenizer_config_counts_more(tmp_path):
    config = {"normalizer": NORMALIZER, "model": MODEL}
    _write(tmp_path, "tokenizer.json", config)
    _write(tmp_path, "tokenizer_config.json", {"do_lower_case": False})
    assert read_huggingface_options(tmp_path)["lowercase"] is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {**MODEL, "type": "BPE"}}, "with the model BPE"),
        (
            {"model": {**MODEL, "continuing_subword_prefix": "@"}},
            "with the prefix '@'",
        ),
        (
            {"model": {**MODEL, "max_input_chars_per_word": 50}},
            "with words of up to 50 characters",
        ),
        ({"normalizer": {"type": "NFC"}}, "with the normalizer NFC"),
        (
            {"normalizer": {**NORMALIZER, "clean_text": False}},
            "with clean_text=false",
        ),
        (
            {"normalizer": {**NORMALIZER, "lowercase": "yes"}},
            "`lowercase` must be true or false. Received: 'yes'",
        ),
        ({"normalizer": "Bert"}, "with the normalizer 'Bert'"),
        ({"model": {**MODEL, "vocab": {"a": 0, "b": 2}}}, "without gaps"),
        ({"model": {**MODEL, "vocab": {"a": 0, "b": "1"}}}, "without gaps"),
    ],
)
def test_other_tokenizers_are_refused(tmp_path, change, message):
    config = {"normalizer": NORMALIZER, "model": MODEL, **change}
    _write(tmp_path, "tokenizer.json", config)
    with pytest.raises(InputError, match=message):
        read_huggingface_options(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "must be JSON"), ("[]", "must hold a JSON object")],
)
def test_damaged_files_are_refused(tmp_path, text, message):
    (tmp_path / "tokenizer_config.json").write_text(text)
    with pytest.raises(InputError, match=message):
        read_huggingface_options(tmp_path)


def test_ideographs_must_be_split(tmp_path):
    _write(tmp_path, "tokenizer_config.json", {"tokenize_chinese_chars": False})
    with pytest.raises(InputError, match="tokenize_chinese_chars=false"):
        read_huggingface_options(tmp_path)


@pytest.mark.parametrize("token", [7, {"content": None}, ["[PAD]"]])
def test_a_token_must_be_text(tmp_path, token):
    _write(tmp_path, "tokenizer_config.json", {"pad_token": token})
    with pytest.raises(InputError, match="`pad_token` must be a token"):
        read_huggingface_options(tmp_path)


@pytest.mark.parametrize(
    ("lowercase", "strip_accents"), [(True, None), (False, True)]
)
def test_tokenizers_reads_what_is_written(tmp_path, lowercase, strip_accents):
    tokenizers = pytest.importorskip("tokenizers")
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "<gap>", "caf", "##e", "é"]
    ours = BertTokenizer(
        Vocabulary([*tokens, "Caf", "!", "東"], mask="<gap>"),
        lowercase,
        strip_accents,
    )
    ours.save(tmp_path)
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    texts = ["Café!", "東 caf? CAFE\x07", ""]
    spans = ours.tokenize_with_offsets(texts)
    for number, text in enumerate(texts):
        encoded = theirs.encode(text, add_special_tokens=False)
        assert encoded.ids == spans.ids[number].numpy().tolist()
        assert encoded.offsets == list(
            zip(
                spans.char_starts[number].numpy(),
                spans.char_ends[number].numpy(),
            )
        )
    packed = ours.pack([spans.ids, spans.ids[::-1]], 32)
    pairs = theirs.encode_batch(list(zip(texts, texts[::-1])))
    assert packed.token_ids.to_list() == [one.ids for one in pairs]
    assert packed.inputs["segment_ids"].to_list() == [
        one.type_ids for one in pairs
    ]
    assert theirs.token_to_id("<gap>") == ours.mask_id
