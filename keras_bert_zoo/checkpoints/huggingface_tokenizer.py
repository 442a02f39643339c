"""Hugging Face's tokenizer files, both ways."""

import json
import pathlib

from keras_bert_zoo.tokenization.wordpiece.huggingface_files import (
    read_huggingface_options,
)
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

VOCABULARY = "vocab.txt"
CONFIG = "tokenizer_config.json"

_SPECIAL_TOKENS = {
    "padding": "pad_token",
    "unknown": "unk_token",
    "start": "cls_token",
    "separator": "sep_token",
    "mask": "mask_token",
}


def read_tokenizer(directory: pathlib.Path) -> BertTokenizer | None:
    """Returns the tokenizer of a model directory, `None` where it has none.

    The vocabulary comes from `vocab.txt`, or from `tokenizer.json`, which is
    all that recent versions write. Where no file says whether the model is
    cased, it is not: the format's own default.

    Raises:
        InputError: if a file is corrupt or describes no WordPiece tokenizer.
    """
    options = read_huggingface_options(directory)
    special_tokens = options.get("special_tokens", {})
    path = directory / VOCABULARY
    if path.is_file():
        vocabulary = Vocabulary.from_file(path, **special_tokens)
    elif "tokens" in options:
        vocabulary = Vocabulary(options["tokens"], **special_tokens)
    else:
        return None
    return BertTokenizer(
        vocabulary,
        options.get("lowercase", True),
        options.get("strip_accents"),
    )


def write_tokenizer(tokenizer: BertTokenizer, directory: pathlib.Path) -> None:
    """Writes `vocab.txt` and `tokenizer_config.json`."""
    tokenizer.vocabulary.save(directory / VOCABULARY)
    special_tokens = tokenizer.vocabulary.special_tokens()
    config = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": tokenizer.lowercase,
        "strip_accents": tokenizer.strip_accents,
        "tokenize_chinese_chars": True,
    }
    for ours, theirs in _SPECIAL_TOKENS.items():
        config[theirs] = special_tokens[ours]
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    (directory / CONFIG).write_text(text, encoding="utf-8")
