"""Hugging Face's `config.json` and our encoder's arguments, both ways."""

import pathlib
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.checkpoints.contents import HeadWeights
from keras_bert_zoo.checkpoints.huggingface.families.bert import FAMILY as BERT
from keras_bert_zoo.checkpoints.huggingface.family import Family
from keras_bert_zoo.checkpoints.huggingface.family import family_of
from keras_bert_zoo.checkpoints.huggingface.registered_encoder import OWN
from keras_bert_zoo.errors import InputError

# `hidden_act` -> our activation; the tanh form of GELU has many names.
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_approximate",
    "gelu_fast": "gelu_approximate",
    "gelu_accurate": "gelu_approximate",
    "gelu_pytorch_tanh": "gelu_approximate",
    "gelu_python_tanh": "gelu_approximate",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
    "tanh": "tanh",
    "linear": "linear",
}

# Arguments of `BertEncoder` that a `BertConfig` has no word for, and their
# values in every published BERT. Others stand under the key `OWN`, which is the
# model type, too, where they change the outputs.
_OWN_OPTIONS = {
    "embedding_dim": None,
    "share_layers": False,
    "position_offset": 0,
    "use_pooler": True,
    "pooling": None,
}
_CHANGE_OUTPUTS = ("embedding_dim", "share_layers", "position_offset")

# Our kinds of classification -> `problem_type`.
_PROBLEM_TYPES = {
    "single_label": "single_label_classification",
    "multi_label": "multi_label_classification",
    "regression": "regression",
}


def encoder_config(config: Mapping[str, Any], path: pathlib.Path) -> dict:
    """Returns the arguments of `BertEncoder` that a `config.json` means.

    Raises:
        InputError: if a size is missing, or the model is no plain BERT.
    """
    family = family_of_config(config, path)
    for key, required in family.required.items():
        value = config.get(key, required)
        if value != required:
            raise InputError(
                f"{path}: `{key}` must be {required!r}. Received: {value!r}. "
                "Only BERT encoders with absolute positions are read."
            )
    missing = [key for key in family.sizes if key not in config]
    if missing:
        raise InputError(
            f"{path}: `{missing[0]}` is missing. Received the keys: "
            f"{', '.join(sorted(config))}. Use the configuration that "
            "belongs to the checkpoint."
        )
    result = {ours: config[theirs] for theirs, ours in family.sizes.items()}
    for theirs, (ours, default) in family.defaults.items():
        result[ours] = config.get(theirs, default)
    result["activation"] = activation(config.get("hidden_act", "gelu"), path)
    return {**result, **_own_options(config.get(OWN, {}), path)}


def family_of_config(config: Mapping[str, Any], path: pathlib.Path) -> Family:
    """Returns the family of a `config.json`: BERT's, where it states none.

    Raises:
        InputError: if there is no such family.
    """
    model_type = config.get("model_type", BERT.model_type)
    if model_type == OWN and OWN in config:
        return BERT
    return family_of(model_type, path)


def _own_options(options: Any, path: pathlib.Path) -> dict:
    known = {*_OWN_OPTIONS, "dtype"}
    if not isinstance(options, dict) or not set(options) <= known:
        raise InputError(
            f"{path}: `{OWN}` must hold arguments of `BertEncoder` among "
            f"{', '.join(sorted(known))}. Received: {options!r:.200}. Install "
            "the version of keras-bert-zoo that wrote it."
        )
    policy = options.get("dtype", "float32")
    pooling = options.get("pooling")
    if not isinstance(policy, str) or not isinstance(pooling, str | None):
        raise InputError(
            f"{path}: `dtype` and `pooling` must be names. Received: "
            f"{policy!r} and {pooling!r}. Save the model again."
        )
    return options


def activation(name: Any, path: pathlib.Path) -> str:
    """Returns our name of a `hidden_act`.

    Raises:
        InputError: if the encoder has no such activation.
    """
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        raise InputError(
            f"{path}: `hidden_act` must be one of "
            f"{', '.join(sorted(_ACTIVATIONS))}. Received: {name!r}. No "
            "other activation is computed."
        )
    return _ACTIVATIONS[name]


def classifier(
    config: Mapping[str, Any], shape: tuple[int, ...], path: pathlib.Path
) -> tuple[list[str], str, tuple[str, ...]]:
    """Returns a classifier's label names and its kind.

    Args:
        config: what `config.json` holds.
        shape: `(labels, H)`, of the classifier's weight.
        path: of `config.json`, for messages.

    Returns:
        The names in the order of the logits, none for a regression;
        `single_label`, `multi_label` or `regression`; and notes on names that
        the file does not give.

    Raises:
        InputError: if the labels' names are of other rows than the
            classifier's, or `problem_type` is unknown.
    """
    count = shape[0] if shape else 0
    problem_type = config.get("problem_type") or (
        "regression" if count == 1 else "single_label_classification"
    )
    kinds = {theirs: ours for ours, theirs in _PROBLEM_TYPES.items()}
    if problem_type == "regression" and count != 1:
        raise InputError(
            f"{path}: a regression must have one row in its classifier. "
            f"Received: {count}. Only single scores are read."
        )
    if not isinstance(problem_type, str) or problem_type not in kinds:
        raise InputError(
            f"{path}: `problem_type` must be one of "
            f"{', '.join(sorted(kinds))}. Received: {problem_type!r}. "
            "Correct the file."
        )
    if problem_type == "regression":
        return [], kinds[problem_type], ()
    names, notes = _labels(config, count, path)
    return names, kinds[problem_type], notes


def _labels(
    config: Mapping[str, Any], count: int, path: pathlib.Path
) -> tuple[list[str], tuple[str, ...]]:
    """Returns the labels' names by row, and a note where they have none."""
    given = [config.get("id2label"), _inverted(config.get("label2id"))]
    given = [names for names in given if names is not None]
    tables = [_by_row(names) for names in given]
    for by_row in tables:
        if sorted(by_row) == list(range(count)):
            return [by_row[row] for row in range(count)], ()
    for names, by_row in zip(given, tables, strict=True):
        # Names that nobody chose are those of a configuration's own default,
        # which stays behind where the classifier was resized.
        if not by_row or any(
            name != f"LABEL_{row}" for row, name in by_row.items()
        ):
            raise InputError(
                f"{path}: `id2label` or `label2id` must name the classifier's "
                f"{count} rows, numbered from 0. Received: {names!r:.200}. "
                "Correct the file."
            )
    return numbered_labels(count), (
        f"{path.name} names no labels for the classifier's {count} rows: they "
        f"go by LABEL_0 to LABEL_{count - 1}.",
    )


def _inverted(rows: Any) -> Any:
    """Returns what `label2id` says in the form of `id2label`."""
    if not isinstance(rows, dict) or not rows:
        return None
    try:
        return {row: name for name, row in rows.items()}
    except TypeError:  # a row that is a list, or an object
        return rows


def _by_row(names: Any) -> dict[int, str]:
    """Returns row -> name; nothing where the rows are no numbers."""
    if isinstance(names, list):
        names = dict(enumerate(names))
    try:
        return {int(row): str(name) for row, name in names.items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def is_published(encoder_config: Mapping[str, Any]) -> bool:
    """Says whether a published BERT computes what such an encoder does."""
    differing = _differing(encoder_config)
    return not any(key in differing for key in _CHANGE_OUTPUTS)


def _differing(encoder_config: Mapping[str, Any]) -> dict:
    config = dict(encoder_config)
    if config["embedding_dim"] == config["hidden_dim"]:
        config["embedding_dim"] = None
    return {
        key: config[key]
        for key, usual in _OWN_OPTIONS.items()
        if config[key] != usual
    }


def config_json(
    encoder_config: Mapping[str, Any],
    dtype_policy: str,
    padding_id: int,
    heads: Sequence[HeadWeights],
) -> dict:
    """Returns the `config.json` of an encoder with these heads.

    Args:
        encoder_config: of the encoder.
        dtype_policy: str. Its name.
        padding_id: int. Of the padding token.
        heads: those of published classes.
    """
    kinds = {head.kind for head in heads}
    config = {
        "architectures": [BERT.encoder_class],
        "model_type": BERT.model_type,
    }
    if not is_published(encoder_config):
        config = {"model_type": OWN}
    elif kinds == {"masked_lm", "next_sentence"}:
        config["architectures"] = [BERT.pretraining_class]
    elif kinds:
        config["architectures"] = [BERT.head_classes[heads[0].kind]]
    config |= {
        "dtype": "float32",
        "hidden_act": _hidden_act(encoder_config["activation"]),
        "pad_token_id": padding_id,
        "position_embedding_type": "absolute",
        OWN: {**_differing(encoder_config), "dtype": dtype_policy},
    }
    for theirs, ours in BERT.sizes.items():
        config[theirs] = encoder_config[ours]
    for theirs, (ours, _) in BERT.defaults.items():
        config[theirs] = encoder_config[ours]
    for head in heads:
        if head.kind in ("classification", "tagging"):
            count = len(head.weights["bias"])
            names = head.labels or numbered_labels(count)
            config["id2label"] = {str(i): name for i, name in enumerate(names)}
            config["label2id"] = {name: i for i, name in enumerate(names)}
        if head.kind == "classification":
            kind = head.config.get("kind", "single_label")
            config["problem_type"] = _PROBLEM_TYPES[kind]
    return config


def _hidden_act(name: str) -> str:
    # `gelu_new` is the tanh form under its oldest name.
    return "gelu_new" if name == "gelu_approximate" else name


def numbered_labels(count: int) -> list[str]:
    """Returns the names that labels without a name go by."""
    return [f"LABEL_{index}" for index in range(count)]
