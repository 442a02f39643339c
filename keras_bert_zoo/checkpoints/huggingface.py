"""Reads BERT models in Hugging Face's format: safetensors, never pickle."""

import functools
import pathlib
from collections.abc import Mapping

from keras_bert_zoo.checkpoints import huggingface_config
from keras_bert_zoo.checkpoints import huggingface_rules
from keras_bert_zoo.checkpoints import safetensors_files
from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadSource
from keras_bert_zoo.checkpoints.huggingface_tokenizer import read_tokenizer
from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError

KIND = "huggingface"

_PICKLES = (".bin", ".pt", ".pth", ".pkl")

# Our poolings -> those of sentence-transformers' `1_Pooling/config.json`.
_POOLING_KEYS = {
    "cls": "cls_token",
    "mean": "mean_tokens",
    "max": "max_tokens",
}

_REMEDY = (
    "Convert it to safetensors where PyTorch is installed: python -c 'import "
    'torch, safetensors.torch as s; w = torch.load("pytorch_model.bin", '
    "weights_only=True); s.save_file({k: v.clone() for k, v in w.items()}, "
    '"model.safetensors", metadata={"format": "pt"})\''
)


def recognizes(source: str) -> bool:
    """Says whether the source is a directory, or a file, of this format."""
    path = pathlib.Path(source)
    if path.suffix in _PICKLES or path.suffix == ".safetensors":
        return path.is_file()
    if not path.is_dir() or not (path / "config.json").is_file():
        return False
    config = read_json(path / "config.json")
    return "model_type" in config or "hidden_size" in config


def open_source(source: str) -> Contents:
    """Opens a directory with `config.json` and `model.safetensors`.

    Args:
        source: the directory, or its safetensors file. A model in several
            files is found through `model.safetensors.index.json`.

    Raises:
        InputError: if the directory holds a pickle instead, a file is
            missing or corrupt, or the model is no plain BERT.
    """
    path = pathlib.Path(source)
    if path.is_file():
        _refuse_pickle(path)
        path = path.parent
    path_of_config = path / "config.json"
    config = read_json(path_of_config)
    encoder = huggingface_config.encoder_config(config, path_of_config)
    encoder["pooling"] = _pooling(path / "1_Pooling" / "config.json")
    _require_safetensors(path)
    variables = _canonical(safetensors_files.open_model(path), path)
    tied = {
        huggingface_rules.DECODER_WEIGHT: "embeddings/token_embedding",
    }
    return Contents(
        kind=KIND,
        origin=str(path),
        config=encoder,
        variables=variables,
        rules=huggingface_rules.RULES,
        tokenizer=functools.partial(read_tokenizer, path),
        heads=tuple(_heads(variables, config, path_of_config)),
        ignored=huggingface_rules.IGNORED,
        tied=tied,
    )


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


def _require_safetensors(path: pathlib.Path) -> None:
    wanted = (safetensors_files.SINGLE, safetensors_files.INDEX)
    if any((path / name).is_file() for name in wanted):
        return
    for file in sorted(path.iterdir()):
        _refuse_pickle(file)
    raise InputError(
        f"{path} must hold {' or '.join(wanted)}. Received: "
        f"{', '.join(sorted(file.name for file in path.iterdir()))}. Save "
        "the model with `save_pretrained` of a recent `transformers`."
    )


def _refuse_pickle(path: pathlib.Path) -> None:
    if path.suffix in _PICKLES:
        raise InputError(
            "Weights must be in safetensors; a pickle can run any code when "
            f"it is loaded. Received: {path}. {_REMEDY}"
        )


def _canonical(variables: Variables, path: pathlib.Path) -> Variables:
    """Names the arrays as today's `BertModel` does."""
    names = {}
    for old in variables.shapes:
        new = old.removeprefix("bert.")
        if ".LayerNorm." in new:
            new = new.replace(".gamma", ".weight").replace(".beta", ".bias")
        if new == huggingface_rules.DECODER_BIAS:
            # Current versions store it once, under either name.
            new = "cls.predictions.bias"
            if new in variables.shapes:
                continue
        if new in names:
            raise InputError(
                f"{path}: a variable must have one name. Received: "
                f"{names[new]!r} and {old!r}. Remove one of them."
            )
        names[new] = old
    return variables.renamed(names)


def _heads(variables: Variables, config: Mapping, path: pathlib.Path):
    architectures = config.get("architectures")
    if not isinstance(architectures, list):
        architectures = []
    kinds = []
    if "classifier.weight" in variables.shapes:
        tagging = huggingface_config.ARCHITECTURES["tagging"]
        kinds.append(
            "tagging" if tagging in architectures else "classification"
        )
    if "qa_outputs.weight" in variables.shapes:
        kinds.append("span_qa")
    for kind, prefix in (
        ("masked_lm", "cls.predictions."),
        ("next_sentence", "cls.seq_relationship."),
    ):
        if any(name.startswith(prefix) for name in variables.shapes):
            kinds.append(kind)
    for kind in kinds:
        rules = huggingface_rules.HEAD_RULES[kind]
        if kind not in ("classification", "tagging"):
            yield HeadSource(kind, rules)
            continue
        labels, task = huggingface_config.classifier(
            config, variables.shapes["classifier.weight"], path
        )
        options = {"kind": task} if kind == "classification" else {}
        yield HeadSource(kind, rules, labels, options)
