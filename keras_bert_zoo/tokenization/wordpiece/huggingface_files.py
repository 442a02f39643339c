"""Reads how a Hugging Face directory wants its text tokenized."""

import json
import os
import pathlib

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.vocabulary import MAX_WORD_LENGTH

_SPECIAL_TOKENS = {
    "pad_token": "padding",
    "unk_token": "unknown",
    "cls_token": "start",
    "sep_token": "separator",
    "mask_token": "mask",
}
_MAX_FILE_BYTES = 1 << 28


def read_huggingface_options(directory: str | os.PathLike) -> dict:
    """Reads `tokenizer_config.json` and `tokenizer.json`, where they exist.

    Where both say something, `tokenizer_config.json` counts, as in
    `transformers`; `tokenizer.json` is not read at all where `vocab.txt` and
    the casing are there.

    Returns:
        dict with those of these keys that the files speak about:
        `lowercase` (bool), `strip_accents` (bool or None), `special_tokens`
        (dict of the arguments of `Vocabulary`), `tokens` (list of str, the
        vocabulary inside `tokenizer.json`).

    Raises:
        InputError: if a file is not JSON, or asks for a tokenizer other than
            BERT's WordPiece.
    """
    directory = pathlib.Path(directory)
    path = directory / "tokenizer_config.json"
    config = _read(path)
    options = {}
    if (
        config.get("do_lower_case") is None
        or not (directory / "vocab.txt").is_file()
    ):
        options = _fast_options(directory / "tokenizer.json")
    if config.get("tokenize_chinese_chars") is False:
        raise _unsupported(path, "tokenize_chinese_chars=false")
    if config.get("do_lower_case") is not None:
        options["lowercase"] = _boolean(path, config, "do_lower_case")
    if config.get("strip_accents") is not None:
        options["strip_accents"] = _boolean(path, config, "strip_accents")
    special = {
        argument: _content(path, name, config[name])
        for name, argument in _SPECIAL_TOKENS.items()
        if config.get(name) is not None
    }
    if special:
        options["special_tokens"] = special
    return options


def _fast_options(path):
    config = _read(path)
    model = config.get("model")
    if not isinstance(model, dict):
        return {}
    # Old files leave the type out.
    if model.get("type", "WordPiece") != "WordPiece":
        raise _unsupported(path, f"the model {model['type']}")
    if model.get("continuing_subword_prefix", "##") != "##":
        raise _unsupported(
            path, f"the prefix {model['continuing_subword_prefix']!r}"
        )
    limit = model.get("max_input_chars_per_word", MAX_WORD_LENGTH)
    if limit != MAX_WORD_LENGTH:
        raise _unsupported(path, f"words of up to {limit} characters")
    options = {}
    normalizer = config.get("normalizer")
    if not isinstance(normalizer, dict):
        raise _unsupported(path, f"the normalizer {normalizer!r}")
    if normalizer.get("type") != "BertNormalizer":
        raise _unsupported(path, f"the normalizer {normalizer.get('type')}")
    for name in ("clean_text", "handle_chinese_chars"):
        if normalizer.get(name) is False:
            raise _unsupported(path, f"{name}=false")
    options["lowercase"] = _boolean(path, normalizer, "lowercase")
    if normalizer.get("strip_accents") is not None:
        options["strip_accents"] = _boolean(path, normalizer, "strip_accents")
    options["tokens"] = _tokens(path, model.get("vocab"))
    return options


def _tokens(path, ids):
    if (
        not isinstance(ids, dict)
        or not all(type(number) is int for number in ids.values())
        or sorted(ids.values()) != list(range(len(ids)))
    ):
        raise InputError(
            "A WordPiece vocabulary must number its tokens from 0 without "
            f"gaps. Received: {path}, which does not. Give a vocab.txt."
        )
    return sorted(ids, key=ids.get)


def _boolean(path, config, name):
    value = config.get(name)
    if not isinstance(value, bool):
        raise InputError(
            f"`{name}` must be true or false. Received: {value!r} in {path}. "
            "Correct the file."
        )
    return value


def _content(path, name, token):
    content = token.get("content") if isinstance(token, dict) else token
    if not isinstance(content, str):
        raise InputError(
            f"`{name}` must be a token. Received: {token!r} in {path}. "
            "Correct the file."
        )
    return content


def _read(path):
    if not path.is_file():
        return {}
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise InputError(
            f"A tokenizer's file must be below {_MAX_FILE_BYTES} bytes. "
            f"Received: {path} with {path.stat().st_size}. Check the file."
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"A tokenizer's file must be JSON. Received: {path} ({error}). "
            "Download it again."
        ) from error
    if not isinstance(config, dict):
        raise InputError(
            "A tokenizer's file must hold a JSON object. Received: "
            f"{path} with a {type(config).__name__}. Check the file."
        )
    return config


def _unsupported(path, what):
    return InputError(
        "Only BERT's own WordPiece tokenizer is read. Received: "
        f"{path} with {what}. Use a BERT checkpoint."
    )
