"""Hugging Face's tokenizer files, both ways."""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.files import atomic_file
from keras_bert_zoo.tokenization.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.vocabulary import Vocabulary

VOCABULARY = "vocab.txt"
CONFIG = "tokenizer_config.json"
FAST = "tokenizer.json"

_SPECIAL = {
    "padding": "pad_token",
    "unknown": "unk_token",
    "start": "cls_token",
    "separator": "sep_token",
    "mask": "mask_token",
}


def read_tokenizer(directory: pathlib.Path) -> BertTokenizer | None:
    """Returns the tokenizer of a model directory, `None` where it has none.

    The vocabulary comes from `vocab.txt`, or from `tokenizer.json`, which is
    all that recent versions write. Casing comes from `tokenizer_config.json`,
    else from `tokenizer.json`, else it is lower, the format's own default.

    Raises:
        InputError: if a file is corrupt or describes no WordPiece tokenizer.
    """
    config = _optional(directory / CONFIG)
    fast = _optional(directory / FAST)
    special = {
        ours: _text(config[theirs])
        for ours, theirs in _SPECIAL.items()
        if config.get(theirs)
    }
    if (directory / VOCABULARY).is_file():
        vocabulary = Vocabulary.from_file(directory / VOCABULARY, **special)
    elif fast:
        vocabulary = Vocabulary(_pieces(fast, directory / FAST), **special)
    else:
        return None
    normalizer = fast.get("normalizer")
    if not isinstance(normalizer, dict):
        normalizer = {}
    lowercase = config.get("do_lower_case", normalizer.get("lowercase", True))
    strip_accents = config.get("strip_accents", normalizer.get("strip_accents"))
    if config.get("tokenize_chinese_chars", True) is not True:
        raise InputError(
            f"{directory / CONFIG}: `tokenize_chinese_chars` must be true. "
            "Received: false. Only the published BERT tokenizer is read."
        )
    return BertTokenizer(vocabulary, bool(lowercase), strip_accents)


def write_tokenizer(tokenizer: BertTokenizer, directory: pathlib.Path) -> None:
    """Writes `vocab.txt` and `tokenizer_config.json`."""
    tokenizer.vocabulary.save(directory / VOCABULARY)
    special = tokenizer.vocabulary.special_tokens()
    config = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": tokenizer.lowercase,
        "strip_accents": tokenizer.strip_accents,
        "tokenize_chinese_chars": True,
        **{theirs: special[ours] for ours, theirs in _SPECIAL.items()},
    }
    with atomic_file(directory / CONFIG) as temporary:
        text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
        temporary.write_text(text, encoding="utf-8")


def _optional(path: pathlib.Path) -> dict:
    return read_json(path) if path.is_file() else {}


def _text(token: Any) -> str:
    # Older files hold the token with its options.
    return token["content"] if isinstance(token, Mapping) else str(token)


def _pieces(fast: Mapping[str, Any], path: pathlib.Path) -> list[str]:
    model = fast.get("model")
    ids = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(ids, dict) or model.get("type", "WordPiece") != (
        "WordPiece"
    ):
        raise InputError(
            f"{path} must describe a WordPiece tokenizer. Received another "
            f"model. Put the checkpoint's {VOCABULARY} beside it."
        )
    for added in fast.get("added_tokens", ()):
        ids = {**ids, added["content"]: added["id"]}
    pieces = sorted(ids, key=ids.get)
    if sorted(ids.values()) != list(range(len(ids))):
        raise InputError(
            f"{path} must number its tokens from 0 without gaps. Received: "
            f"{len(ids)} tokens numbered otherwise. Put the checkpoint's "
            f"{VOCABULARY} beside it."
        )
    return pieces
