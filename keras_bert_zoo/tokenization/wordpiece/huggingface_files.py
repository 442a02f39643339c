"""The files that Hugging Face publishes BERT's tokenizer in, both ways."""

import dataclasses
import json
import os
import pathlib
from typing import Any

from keras_bert_zoo import atomic_io
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.added_tokens import AddedToken
from keras_bert_zoo.tokenization.wordpiece.vocabulary import CONTINUATION
from keras_bert_zoo.tokenization.wordpiece.vocabulary import MAX_WORD_LENGTH
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

VOCABULARY_FILE = "vocab.txt"
CONFIG_FILE = "tokenizer_config.json"
FAST_FILE = "tokenizer.json"
ADDED_FILE = "added_tokens.json"
_SPECIAL_FILE = "special_tokens_map.json"
_MODEL_FILE = "config.json"

_SPECIAL_TOKENS = {
    "pad_token": "padding",
    "unk_token": "unknown",
    "cls_token": "start",
    "sep_token": "separator",
    "mask_token": "mask",
}
# Whether special tokens in texts are text like any other.
_SPLITS_SPECIAL = "split_special_tokens"
_ADDED_OPTIONS = (
    "content",
    "single_word",
    "lstrip",
    "rstrip",
    "normalized",
    "special",
)
_MAX_FILE_BYTES = 1 << 28

# Published classes that tokenize and pack as BERT's does.
_CLASSES = {
    f"{family}Tokenizer{kind}"
    for family in ("Bert", "ConvBert", "DistilBert", "Electra", "MobileBert")
    for kind in ("", "Fast")
}
# That say nothing of the family.
_ANY_CLASS = (None, "PreTrainedTokenizerFast", "TokenizersBackend")


def are_wordpiece(directory: pathlib.Path) -> bool:
    """Returns whether a directory's files are for BERT's tokenizer.

    The published class says so or, where it says nothing, `tokenizer.json`
    does, or there is a `vocab.txt` alone.
    """
    has_vocabulary = (directory / VOCABULARY_FILE).is_file()
    has_fast = (directory / FAST_FILE).is_file()
    if not has_vocabulary and not has_fast:
        return False
    name = _read(directory / CONFIG_FILE).get("tokenizer_class")
    if name not in _ANY_CLASS:
        return isinstance(name, str) and name in _CLASSES
    if not has_fast:
        return True
    model = _read(directory / FAST_FILE).get("model")
    return isinstance(model, dict) and _model_type(model) == "WordPiece"


def read_files(
    directory: pathlib.Path,
) -> tuple[Vocabulary, bool, bool | None]:
    """Returns vocabulary, `lowercase` and `strip_accents` of a directory.

    Raises:
        InputError: if a file is missing or damaged, if it asks for another
            tokenizer, or if nothing says whether the model is cased.
    """
    options = read_huggingface_options(directory)
    if "lowercase" not in options:
        # That of a model is lower-cased unless it says otherwise.
        if not any(
            (directory / name).is_file() for name in (CONFIG_FILE, _MODEL_FILE)
        ):
            raise InputError(
                "A tokenizer's directory must say whether the model is cased. "
                f"Received: {directory} without {CONFIG_FILE}. Write "
                '{"do_lower_case": false}, or true, into that file; in Python, '
                "BertTokenizer(Vocabulary.from_file(...), lowercase=...) needs "
                "none."
            )
        options["lowercase"] = True
    named = {
        "special_in_texts": options.get("special_in_texts", False),
        **options.get("special_tokens", {}),
    }
    added = _added_tokens(directory)
    tokens = [added[token_id] for token_id in sorted(added)]
    path = directory / VOCABULARY_FILE
    if "tokens" in options and not path.exists():
        vocabulary = Vocabulary(options["tokens"], added=tokens, **named)
    else:
        vocabulary = Vocabulary.from_file(path, added=tokens, **named)
    for token_id, token in added.items():
        if vocabulary.get(token.content) != token_id:
            raise InputError(
                "Added tokens must be those of their ids, or follow the "
                f"vocabulary without gaps. Received: {token.content!r} as "
                f"{token_id} in {directory}, where it is "
                f"{vocabulary.get(token.content)}. Correct the files."
            )
    return vocabulary, options["lowercase"], options.get("strip_accents")


def _added_tokens(directory: pathlib.Path) -> dict[int, AddedToken]:
    """Returns the tokens that a directory's files add, by id.

    `tokenizer_config.json` counts alone where it lists them; otherwise
    `tokenizer.json` does, and `added_tokens.json` for those of older versions,
    which tell no more than their ids.

    Raises:
        InputError: if a file is damaged, or asks for whole words.
    """
    path = directory / CONFIG_FILE
    config = _read(path)
    listed = config.get("added_tokens_decoder")
    if listed is not None:
        return _tokens_by_id(path, listed)
    fast = directory / FAST_FILE
    listed = _read(fast).get("added_tokens") or []
    if not isinstance(listed, list) or not all(
        isinstance(one, dict) for one in listed
    ):
        raise _no_added_tokens(fast, listed)
    added = _tokens_by_id(fast, {one.get("id"): one for one in listed})
    special = {**config, **_read(directory / _SPECIAL_FILE)}
    names = [special.get(name) for name in _SPECIAL_TOKENS]
    for name in ("additional_special_tokens", "extra_special_tokens"):
        more = special.get(name)
        names += more if isinstance(more, list) else []
    contents = [
        one.get("content") if isinstance(one, dict) else one for one in names
    ]
    path = directory / ADDED_FILE
    older = {
        token_id: {"content": content, "special": content in contents}
        for content, token_id in _read(path).items()
    }
    known = {one.content for one in added.values()}
    for token_id, token in _tokens_by_id(path, older).items():
        if token.content not in known:
            added.setdefault(token_id, token)
    return added


def _tokens_by_id(path: pathlib.Path, listed: Any) -> dict[int, AddedToken]:
    """Returns the added tokens that a file lists with their options."""
    if not isinstance(listed, dict):
        raise _no_added_tokens(path, listed)
    added = {}
    for key, options in listed.items():
        try:
            token_id = int(key)
            options = {
                one: options[one] for one in _ADDED_OPTIONS if one in options
            }
        except (TypeError, ValueError) as error:
            raise _no_added_tokens(path, {key: options}) from error
        content = _content(path, "added_tokens", options.get("content"))
        for name, value in options.items():
            if name != "content" and not isinstance(value, bool):
                raise _no_added_tokens(path, {key: options})
        if options.pop("single_word", False):
            raise InputError(
                "An added token is found inside of words, too. Received: "
                f"{content!r} with single_word=true in {path}. Add it again "
                "without, if that is meant."
            )
        added[token_id] = AddedToken(**{**options, "content": content})
    return added


def _no_added_tokens(path, value):
    return InputError(
        "Added tokens must have ids, texts and options that are true or "
        f"false. Received: {value!r:.200} in {path}. Correct the file."
    )


def write_files(
    directory: str | os.PathLike,
    vocabulary: Vocabulary,
    lowercase: bool,
    strip_accents: bool | None,
) -> None:
    """Writes `vocab.txt`, `tokenizer_config.json` and `tokenizer.json`."""
    directory = pathlib.Path(directory)
    vocabulary.save(directory / VOCABULARY_FILE)
    special_tokens = vocabulary.special_tokens()
    config = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": lowercase,
        "strip_accents": strip_accents,
        "tokenize_chinese_chars": True,
        **{
            theirs: special_tokens[ours]
            for theirs, ours in _SPECIAL_TOKENS.items()
        },
    }
    if vocabulary.special_in_texts:
        config[_SPLITS_SPECIAL] = False
    if vocabulary.added:
        config["added_tokens_decoder"] = {
            str(one.pop("id")): one for one in _listed_tokens(vocabulary)
        }
    _write(directory / CONFIG_FILE, config)
    fast = _fast_config(vocabulary, lowercase, strip_accents)
    _write(directory / FAST_FILE, fast)


def _fast_config(vocabulary, lowercase, strip_accents) -> dict:
    """Returns what the library `tokenizers` reads."""
    special = vocabulary.special_tokens()
    start, separator = (
        {"SpecialToken": {"id": special[role], "type_id": 0}}
        for role in ("start", "separator")
    )
    first, second = (
        {"Sequence": {"id": name, "type_id": number}}
        for number, name in enumerate("AB")
    )
    last = {"SpecialToken": {"id": special["separator"], "type_id": 1}}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _listed_tokens(vocabulary),
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": strip_accents,
            "lowercase": lowercase,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [start, first, separator],
            "pair": [start, first, separator, second, last],
            "special_tokens": {
                token: {
                    "id": token,
                    "ids": [vocabulary.token_to_id(token)],
                    "tokens": [token],
                }
                for token in {special["start"], special["separator"]}
            },
        },
        "decoder": {
            "type": "WordPiece",
            "prefix": CONTINUATION,
            "cleanup": True,
        },
        "model": {
            "type": "WordPiece",
            "unk_token": special["unknown"],
            "continuing_subword_prefix": CONTINUATION,
            "max_input_chars_per_word": MAX_WORD_LENGTH,
            "vocab": {
                token: id for id, token in enumerate(vocabulary.model_tokens)
            },
        },
    }


def _listed_tokens(vocabulary: Vocabulary) -> list[dict]:
    """Returns special and added tokens by their ids, as they are published."""
    added = {one.content: one for one in vocabulary.added}
    for token in vocabulary.special_tokens().values():
        added.setdefault(token, AddedToken(token, special=True))
    return [
        {
            "id": vocabulary.token_to_id(content),
            **dataclasses.asdict(added[content]),
            "single_word": False,
        }
        for content in sorted(added, key=vocabulary.get)
    ]


def _write(path: pathlib.Path, config: dict) -> None:
    with atomic_io.atomic_file(path) as temporary:
        text = json.dumps(config, indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_huggingface_options(directory: str | os.PathLike) -> dict:
    """Reads `tokenizer_config.json` and `tokenizer.json`, where they exist.

    Where both say something, `tokenizer_config.json` counts, as in
    `transformers`; `tokenizer.json` is not read at all where `vocab.txt` and
    the casing are there.

    Returns:
        dict with those of these keys that the files speak about:
        `lowercase` (bool), `strip_accents` (bool or None), `special_in_texts`
        (bool), `special_tokens` (dict of the arguments of `Vocabulary`),
        `tokens` (list of str, the vocabulary inside `tokenizer.json`).

    Raises:
        InputError: if a file is not JSON, or asks for a tokenizer other than
            BERT's WordPiece.
    """
    directory = pathlib.Path(directory)
    path = directory / CONFIG_FILE
    config = _read(path)
    options = {}
    if (
        config.get("do_lower_case") is None
        or not (directory / VOCABULARY_FILE).is_file()
    ):
        options = _fast_options(directory / FAST_FILE)
    if config.get("tokenize_chinese_chars") is False:
        raise _unsupported(path, "tokenize_chinese_chars=false")
    if config.get("do_lower_case") is not None:
        options["lowercase"] = _boolean(path, config, "do_lower_case")
    if config.get("strip_accents") is not None:
        options["strip_accents"] = _boolean(path, config, "strip_accents")
    if config.get(_SPLITS_SPECIAL) is not None:
        splits = _boolean(path, config, _SPLITS_SPECIAL)
        options["special_in_texts"] = not splits
    special = {
        argument: _content(path, name, config[name])
        for name, argument in _SPECIAL_TOKENS.items()
        if config.get(name) is not None
    }
    if special:
        options["special_tokens"] = special
    return options


def _model_type(model: dict) -> str:
    """Returns the kind of a model; old files leave it out."""
    return model.get("type", "BPE" if "merges" in model else "WordPiece")


def _fast_options(path):
    config = _read(path)
    model = config.get("model")
    if not isinstance(model, dict):
        return {}
    if _model_type(model) != "WordPiece":
        raise _unsupported(path, f"the model {_model_type(model)}")
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
