"""Reads models in Hugging Face's format."""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Mapping

from absl import logging

from keras_bert_zoo.checkpoints import weight_files
from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadSource
from keras_bert_zoo.checkpoints.contents import further_head
from keras_bert_zoo.checkpoints.contents import guess_note
from keras_bert_zoo.checkpoints.huggingface import registered_encoder
from keras_bert_zoo.checkpoints.huggingface.config import classifier
from keras_bert_zoo.checkpoints.huggingface.config import encoder_config
from keras_bert_zoo.checkpoints.huggingface.config import family_of_config
from keras_bert_zoo.checkpoints.huggingface.family import Family
from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import find_tokenizer
from keras_bert_zoo.tokenization import load_tokenizer

KIND = "huggingface"

# Our poolings -> those of sentence-transformers' `1_Pooling/config.json`.
_POOLING_KEYS = {
    "cls": "cls_token",
    "mean": "mean_tokens",
    "max": "max_tokens",
}

# What wrappers of a model put before the names of its variables.
_WRAPPERS = r"module\.|model\.|(?:\d+\.)?auto_model\."

# Heads whose variables have the same names.
_CLASSIFIERS = ("classification", "tagging")

# Those of the spelled spans of a tagger.
_SPAN_LABEL = re.compile(r"[BIESLU]-.+")

# A directory with one of these has a tokenizer.
_VOCABULARIES = (
    "vocab.txt",
    "vocab.json",
    "tokenizer.json",
    "tokenizer.model",
    "sentencepiece.bpe.model",
    "spiece.model",
)


def recognizes(source: str) -> bool:
    """Says whether the source is a directory, or a file, of this format."""
    path = pathlib.Path(source)
    if weight_files.is_weight_file(path):
        return True
    if not path.is_dir() or not (path / "config.json").is_file():
        return False
    config = read_json(path / "config.json")
    return "model_type" in config or "hidden_size" in config


def open_source(source: str) -> Contents:
    """Opens a directory with `config.json` and weights.

    Args:
        source: the directory, or one file of its weights. Safetensors are
            read rather than PyTorch's own files, where both are there.

    Raises:
        InputError: if a file is missing or corrupt, a pickle holds more than
            tensors, or the model is no plain BERT.
    """
    weights = path = pathlib.Path(source)
    if path.is_file():
        path = path.parent
    path_of_config = path / "config.json"
    config = read_json(path_of_config)
    variables = weight_files.open_weights(weights)
    registered = registered_encoder.read_config(config, path_of_config)
    if registered is not None:
        name, arguments = registered
        variables, own = registered_encoder.split(variables, path)
        return Contents(
            kind=KIND,
            origin=str(path),
            encoder=name,
            config=arguments,
            variables=variables,
            rules=None,
            tokenizer=functools.partial(read_tokenizer, path),
            own=own,
        )
    arguments = _bert_arguments(config, path_of_config)
    family = family_of_config(config, path_of_config)
    variables, own = _canonical(variables, family, path)
    heads, architecture, notes = _heads(
        variables, family, config, path_of_config
    )
    for note in notes:
        logging.warning("%s: %s", path, note)
    return Contents(
        kind=KIND,
        origin=str(path),
        config=arguments,
        variables=variables,
        rules=family.rules,
        tokenizer=functools.partial(read_tokenizer, path),
        heads=heads,
        ignored=family.ignored,
        encoder_names=family.encoder_names,
        tied=family.tied,
        notes=notes,
        own=own,
        architecture=architecture,
    )


def read_architecture(directory: pathlib.Path) -> tuple[str, dict]:
    """Returns the encoder's registered name, and its arguments.

    Raises:
        InputError: if there is no `config.json`, or it is not of a BERT or a
            registered encoder.
    """
    path = directory / "config.json"
    config = read_json(path)
    registered = registered_encoder.read_config(config, path)
    if registered is not None:
        return registered
    return "bert", _bert_arguments(config, path)


def _bert_arguments(config: Mapping, path: pathlib.Path) -> dict:
    """Returns the arguments of `BertEncoder`, and how it was pooled."""
    pooling = _pooling(path.parent / "1_Pooling" / "config.json")
    return {"pooling": pooling, **encoder_config(config, path)}


def _pooling(path: pathlib.Path) -> str | None:
    """Returns how sentence-transformers pools, if it does as heads can."""
    if not path.is_file():
        return None
    config = read_json(path)
    chosen = [
        mode
        for mode, key in _POOLING_KEYS.items()
        if config.get(f"pooling_mode_{key}") is True
    ]
    others = set(config) - {f"pooling_mode_{k}" for k in _POOLING_KEYS.values()}
    if any(config[k] is True for k in others if k.startswith("pooling_mode_")):
        return None
    return chosen[0] if len(chosen) == 1 else None


def _canonical(
    variables: Variables, family: Family, path: pathlib.Path
) -> tuple[Variables, Variables]:
    """Renames the arrays to the names in the rules, and splits off ours."""
    prefix = registered_encoder.HEAD_PREFIX
    own = {
        old.removeprefix(prefix): old
        for old in variables.shapes
        if old.startswith(prefix)
    }
    today = {
        old: _name_of_today(old, family)
        for old in variables.shapes
        if not old.startswith(prefix)
    }
    names = {}
    for old, new in today.items():
        if new in family.synonyms:
            # Current versions store it once, under either name.
            new = family.synonyms[new]
            if new in today.values():
                continue
        if new in names:
            raise InputError(
                f"{path}: a variable must have one name. Received: "
                f"{names[new]!r} and {old!r}. Remove one of them."
            )
        names[new] = old
    return variables.renamed(names), variables.renamed(own)


def _name_of_today(name: str, family: Family) -> str:
    prefixes = f"{_WRAPPERS}|{re.escape(family.prefix)}"
    name = re.sub(f"^(?:{prefixes})*", "", name)
    if ".LayerNorm." in name:
        name = name.replace(".gamma", ".weight").replace(".beta", ".bias")
    return name


def _heads(
    variables: Variables, family: Family, config: Mapping, path: pathlib.Path
) -> tuple[tuple[HeadSource, ...], str, tuple[str, ...]]:
    """Returns the heads that are there, what is none of them, and notes."""
    classes = config.get("architectures")
    if not isinstance(classes, list):
        classes = []
    classes = [name for name in classes if isinstance(name, str)]
    stated = {
        kind for kind, name in family.head_classes.items() if name in classes
    }
    kinds = [
        kind
        for kind, marker in family.head_markers.items()
        if any(name.startswith(marker) for name in variables.shapes)
    ]
    known = {
        family.encoder_class,
        family.pretraining_class,
        *(family.head_classes[kind] for kind in kinds),
    }
    others = [name for name in classes if name not in known]
    also, notes = (), ()
    if set(_CLASSIFIERS) <= set(kinds):
        kinds = [kind for kind in kinds if kind not in _CLASSIFIERS]
        if not set(others) & set(family.unread_classes):
            read, is_sure = _classifier_kind(stated, variables, config)
            kinds = [read, *kinds]
            if read not in stated:
                # Whoever knows better may name the other.
                also = tuple(kind for kind in _CLASSIFIERS if kind != read)
            if read == "tagging" and is_sure:
                others = []
            elif not others and not is_sure:
                notes = (guess_note(path.name, read, also[0]),)
    architecture = others[0] if others else ""
    if not stated and not others:
        architecture = further_head(
            set(variables.shapes) - {*family.tied, *family.synonyms},
            [rule for kind in kinds for rule in family.head_rules[kind]],
            family.encoder_names,
        )
    heads = []
    for kind in sorted(kinds, key=lambda kind: kind not in stated):
        head = HeadSource(kind, family.head_rules[kind])
        if kind in _CLASSIFIERS:
            head, more = _with_labels(head, variables, config, path)
            head = dataclasses.replace(head, also=also)
            notes += more
        heads.append(head)
    return tuple(heads), architecture, notes


def _with_labels(
    head: HeadSource, variables: Variables, config: Mapping, path: pathlib.Path
) -> tuple[HeadSource, tuple[str, ...]]:
    """Returns a classifier's head with its labels, and notes on them."""
    shape = variables.shapes[head.rules[0].sources[0]]
    try:
        labels, task, notes = classifier(config, shape, path)
    except InputError as error:
        # It keeps nobody from the encoder.
        return dataclasses.replace(head, problem=str(error)), ()
    options = {"kind": task} if head.kind == "classification" else {}
    return dataclasses.replace(head, labels=labels, config=options), notes


def _classifier_kind(
    stated: set[str], variables: Variables, config: Mapping
) -> tuple[str, bool]:
    """Returns whether a classifier reads texts or words, and if that is sure.

    Both have the same variables. Where no class is stated, problem types
    are of texts, spelled spans of words. What has no pooler may read words.
    """
    for kind in ("tagging", "classification"):
        if kind in stated:
            return kind, True
    if config.get("problem_type"):
        return "classification", True
    names = [
        str(name)
        for key in ("id2label", "label2id")
        if isinstance(config.get(key), dict | list)
        for name in config[key]
    ]
    if isinstance(config.get("id2label"), dict):
        names += map(str, config["id2label"].values())
    if "O" in names and any(_SPAN_LABEL.match(name) for name in names):
        return "tagging", True
    has_pooler = "pooler.dense.weight" in variables.shapes
    return ("classification" if has_pooler else "tagging"), False


def read_tokenizer(directory: pathlib.Path) -> Tokenizer | None:
    """Returns the tokenizer of a model directory, `None` where it has none.

    Raises:
        InputError: if a file is corrupt, or no registered tokenizer
            recognizes the files.
    """
    has_one = any((directory / name).is_file() for name in _VOCABULARIES)
    if find_tokenizer(directory) is None and not has_one:
        return None
    return load_tokenizer(directory)
