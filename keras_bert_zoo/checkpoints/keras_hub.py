"""Reads BERT presets of keras-hub, by name or from a directory.

keras-hub's own loader does the reading, and the downloading of a name. Its
encoder always computes the tanh form of GELU, with an epsilon of 1e-12,
whatever the checkpoint was trained with: so does ours when it comes from
there.

Source: https://github.com/keras-team/keras-hub, `models/bert`.
"""

import functools
import pathlib

import keras

from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadSource
from keras_bert_zoo.checkpoints.huggingface.config import numbered_labels
from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.checkpoints.rules import HEADS_FIRST
from keras_bert_zoo.checkpoints.rules import HEADS_LAST
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

KIND = "keras_hub"

_OURS = "transformer_block_{i}"
_THEIRS = "transformer_layer_{i}"
_ATTENTION = f"{_THEIRS}/self_attention_layer"
_QKV = ("query", "key", "value")

RULES = (
    Rule("embeddings/token_embedding", ("token_embedding/embeddings",)),
    Rule("embeddings/position_embedding", ("position_embedding/embeddings",)),
    Rule("embeddings/segment_embedding", ("segment_embedding/embeddings",)),
    Rule("embeddings/layer_norm/gamma", ("embeddings_layer_norm/gamma",)),
    Rule("embeddings/layer_norm/beta", ("embeddings_layer_norm/beta",)),
    Rule(
        f"{_OURS}/self_attention/qkv_kernel",
        tuple(f"{_ATTENTION}/{name}/kernel" for name in _QKV),
        HEADS_LAST,
    ),
    Rule(
        f"{_OURS}/self_attention/qkv_bias",
        tuple(f"{_ATTENTION}/{name}/bias" for name in _QKV),
        HEADS_LAST,
    ),
    Rule(
        f"{_OURS}/self_attention/output_kernel",
        (f"{_ATTENTION}/attention_output/kernel",),
        HEADS_FIRST,
    ),
    Rule(
        f"{_OURS}/self_attention/output_bias",
        (f"{_ATTENTION}/attention_output/bias",),
    ),
    Rule(
        f"{_OURS}/attention_layer_norm/gamma",
        (f"{_THEIRS}/self_attention_layer_norm/gamma",),
    ),
    Rule(
        f"{_OURS}/attention_layer_norm/beta",
        (f"{_THEIRS}/self_attention_layer_norm/beta",),
    ),
    Rule(
        f"{_OURS}/feed_forward/intermediate_kernel",
        (f"{_THEIRS}/feedforward_intermediate_dense/kernel",),
    ),
    Rule(
        f"{_OURS}/feed_forward/intermediate_bias",
        (f"{_THEIRS}/feedforward_intermediate_dense/bias",),
    ),
    Rule(
        f"{_OURS}/feed_forward/output_kernel",
        (f"{_THEIRS}/feedforward_output_dense/kernel",),
    ),
    Rule(
        f"{_OURS}/feed_forward/output_bias",
        (f"{_THEIRS}/feedforward_output_dense/bias",),
    ),
    Rule(
        f"{_OURS}/output_layer_norm/gamma",
        (f"{_THEIRS}/feedforward_layer_norm/gamma",),
    ),
    Rule(
        f"{_OURS}/output_layer_norm/beta",
        (f"{_THEIRS}/feedforward_layer_norm/beta",),
    ),
    Rule("pooler/kernel", ("pooled_dense/kernel",)),
    Rule("pooler/bias", ("pooled_dense/bias",)),
)

CLASSIFIER_RULES = (
    Rule("kernel", ("logits/kernel",)),
    Rule("bias", ("logits/bias",)),
)

_SAME_NAME = (
    "vocabulary_size",
    "num_layers",
    "num_heads",
    "hidden_dim",
    "intermediate_dim",
    "max_sequence_length",
    "num_segments",
    "dropout",
)


def recognizes(source: str) -> bool:
    """Says whether the source is a directory of a keras-hub preset."""
    path = pathlib.Path(source) / "config.json"
    if not path.is_file():
        return False
    name = read_json(path).get("registered_name")
    return isinstance(name, str) and name.startswith("keras_")


def open_source(source: str) -> Contents:
    """Opens a preset through keras-hub.

    Args:
        source: a directory, or what keras-hub takes as a preset's name.

    Raises:
        InputError: if keras-hub is missing, does not find or read the
            preset, or the preset is no BERT.
    """
    try:
        import keras_hub
    except ImportError as error:
        raise InputError(
            "A keras-hub preset is read through keras-hub. Received: "
            f"{source} without it ({error}). Install it: pip install "
            "keras-hub"
        ) from error
    directory = pathlib.Path(source)
    if directory.is_dir():
        _check_class(directory / "config.json", "BertBackbone")
    classifier = _is_class(directory / "task.json", "BertTextClassifier")
    loader = keras_hub.models.BertBackbone
    options = {"dtype": "float32"}
    if classifier:
        loader = keras_hub.models.BertTextClassifier
        options["preprocessor"] = None
    try:
        model = loader.from_preset(source, **options)
    # Its download clients raise errors of their own.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0].removesuffix(".")
        raise InputError(
            f"The keras-hub preset {source!r} could not be loaded: "
            f"{type(error).__name__}: {reason}. Check name and network; or "
            "download the preset elsewhere and pass its directory."
        ) from error
    backbone = model.backbone if classifier else model
    arrays = {variable.path: variable for variable in model.weights}
    config = backbone.get_config()
    return Contents(
        kind=KIND,
        origin=source,
        config={
            **{key: config[key] for key in _SAME_NAME},
            "attention_dropout": config["dropout"],
            "activation": "gelu_approximate",
            "layer_norm_epsilon": 1e-12,
        },
        variables=Variables(
            {path: tuple(arrays[path].shape) for path in arrays},
            lambda path: keras.ops.convert_to_numpy(arrays[path]),
        ),
        rules=RULES,
        tokenizer=functools.partial(_tokenizer, source),
        heads=tuple(_heads(arrays)) if classifier else (),
    )


def _heads(arrays):
    count = arrays["logits/bias"].shape[0]
    regression = count == 1
    # Labels go without names there.
    yield HeadSource(
        "classification",
        CLASSIFIER_RULES,
        [] if regression else numbered_labels(count),
        {"kind": "regression" if regression else "single_label"},
    )


def _tokenizer(source: str) -> BertTokenizer | None:
    import keras_hub

    directory = pathlib.Path(source)
    if directory.is_dir() and not (directory / "tokenizer.json").is_file():
        return None
    try:
        theirs = keras_hub.models.BertTokenizer.from_preset(source)
    # As above.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0].removesuffix(".")
        raise InputError(
            f"The tokenizer of the keras-hub preset {source!r} could not be "
            f"loaded: {type(error).__name__}: {reason}. Check that the "
            "preset is complete."
        ) from error
    vocabulary = Vocabulary(theirs.get_vocabulary())
    return BertTokenizer(vocabulary, bool(theirs.lowercase))


def _is_class(path: pathlib.Path, name: str) -> bool:
    if not path.is_file():
        return False
    registered = read_json(path).get("registered_name")
    return isinstance(registered, str) and registered.endswith(f">{name}")


def _check_class(path: pathlib.Path, name: str) -> None:
    if not _is_class(path, name):
        raise InputError(
            f"{path} must describe a {name}. Received: "
            f"{read_json(path).get('registered_name')!r}. Only BERT presets "
            "are read."
        )
