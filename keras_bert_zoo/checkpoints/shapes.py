"""Shapes of every variable, from the architecture alone.

Known before anything is allocated, so that a checkpoint is checked against
them first.
"""

import math
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.checkpoints.rules import Shape
from keras_bert_zoo.errors import InputError

_MOST = {
    "vocabulary_size": 10_000_000,
    "num_layers": 1_000,
    "num_heads": 10_000,
    "hidden_dim": 100_000,
    "intermediate_dim": 1_000_000,
    "embedding_dim": 100_000,
    "max_sequence_length": 10_000_000,
    "num_segments": 10_000,
}

# Of the sizes that `BertEncoder` does not require.
_DEFAULTS = {"max_sequence_length": 512, "num_segments": 2}

# Letters: see `head_shapes`.
_HEADS = {
    "classification": {"kernel": "HL", "bias": "L"},
    "tagging": {"kernel": "HL", "bias": "L"},
    "span_qa": {"kernel": "H2", "bias": "2"},
    "next_sentence": {"kernel": "H2", "bias": "2"},
    "masked_lm": {
        "transform_kernel": "HE",
        "transform_bias": "E",
        "layer_norm/gamma": "E",
        "layer_norm/beta": "E",
        "output_bias": "V",
    },
}


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 1


def _is_small(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= 10


_SHARE = ("a number from 0 to below 1", _is_share)
_SMALL = ("a number above 0, at most 10", _is_small)
_SWITCH = ("true or false", lambda value: type(value) is bool)
_RULES = {
    "dropout": _SHARE,
    "attention_dropout": _SHARE,
    "layer_norm_epsilon": _SMALL,
    "initializer_range": _SMALL,
    "share_layers": _SWITCH,
    "use_pooler": _SWITCH,
    "position_offset": (
        "a whole number, at least 0",
        lambda value: type(value) is int and 0 <= value < 1_000_000,
    ),
}


def check_config(config: Mapping[str, Any], origin: str) -> None:
    """Checks that the arguments are such as a BERT encoder can have.

    Raises:
        InputError: naming the size and `origin`.
    """
    for key, most in _MOST.items():
        value = config.get(key, _DEFAULTS.get(key))
        if value is None and key == "embedding_dim":
            continue
        if type(value) is not int or not 1 <= value <= most:
            raise InputError(
                f"{origin}: `{key}` must be an integer from 1 to {most}. "
                f"Received: {value!r}. Check the configuration."
            )
    for key, (rule, holds) in _RULES.items():
        if key in config and not holds(config[key]):
            raise InputError(
                f"{origin}: `{key}` must be {rule}. Received: "
                f"{config[key]!r}. Check the configuration."
            )
    num_rows = config.get("max_sequence_length", 512)
    if config.get("position_offset", 0) >= num_rows:
        raise InputError(
            f"{origin}: `position_offset` must leave a row of the position "
            f"table. Received: position_offset={config['position_offset']} of "
            f"{num_rows} rows. Check the configuration."
        )
    if config["hidden_dim"] % config["num_heads"]:
        raise InputError(
            f"{origin}: `num_heads` must divide `hidden_dim`. Received: "
            f"num_heads={config['num_heads']}, "
            f"hidden_dim={config['hidden_dim']}. Check the configuration."
        )


def encoder_shapes(config: Mapping[str, Any]) -> dict[str, Shape]:
    """Returns path -> shape of the variables of `BertEncoder(**config)`."""
    config = {**_DEFAULTS, **config}
    hidden, inner = config["hidden_dim"], config["intermediate_dim"]
    width = config.get("embedding_dim") or hidden
    shapes = {
        "embeddings/token_embedding": (config["vocabulary_size"], width),
        "embeddings/position_embedding": (
            config["max_sequence_length"],
            width,
        ),
        "embeddings/segment_embedding": (config["num_segments"], width),
        "embeddings/layer_norm/gamma": (width,),
        "embeddings/layer_norm/beta": (width,),
    }
    if width != hidden:
        shapes["embeddings/projection/kernel"] = (width, hidden)
        shapes["embeddings/projection/bias"] = (hidden,)
    block = {
        "self_attention/qkv_kernel": (hidden, 3 * hidden),
        "self_attention/qkv_bias": (3 * hidden,),
        "self_attention/output_kernel": (hidden, hidden),
        "self_attention/output_bias": (hidden,),
        "attention_layer_norm/gamma": (hidden,),
        "attention_layer_norm/beta": (hidden,),
        "feed_forward/intermediate_kernel": (hidden, inner),
        "feed_forward/intermediate_bias": (inner,),
        "feed_forward/output_kernel": (inner, hidden),
        "feed_forward/output_bias": (hidden,),
        "output_layer_norm/gamma": (hidden,),
        "output_layer_norm/beta": (hidden,),
    }
    num_blocks = 1 if config.get("share_layers") else config["num_layers"]
    for index in range(num_blocks):
        for name, shape in block.items():
            shapes[f"transformer_block_{index}/{name}"] = shape
    if config.get("use_pooler", True):
        shapes["pooler/kernel"] = (hidden, hidden)
        shapes["pooler/bias"] = (hidden,)
    return shapes


def head_shapes(
    kind: str, config: Mapping[str, Any], num_labels: int
) -> dict[str, Shape]:
    """Returns name -> shape of a head's variables on such an encoder."""
    sizes = {
        "H": config["hidden_dim"],
        "E": config.get("embedding_dim") or config["hidden_dim"],
        "V": config["vocabulary_size"],
        "L": num_labels,
        "2": 2,
    }
    return {
        name: tuple(sizes[letter] for letter in letters)
        for name, letters in _HEADS[kind].items()
    }


def count_parameters(config: Mapping[str, Any]) -> int:
    """Returns the number of parameters of `BertEncoder(**config)`."""
    return sum(math.prod(shape) for shape in encoder_shapes(config).values())
