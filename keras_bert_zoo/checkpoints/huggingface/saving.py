"""Writes encoders and heads in Hugging Face's format."""

import json
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence

import keras
import numpy as np

from keras_bert_zoo.checkpoints.contents import HeadWeights
from keras_bert_zoo.checkpoints.huggingface import config as configs
from keras_bert_zoo.checkpoints.huggingface import registered_encoder
from keras_bert_zoo.checkpoints.huggingface.families.bert import FAMILY as BERT
from keras_bert_zoo.checkpoints.rules import expand
from keras_bert_zoo.checkpoints.rules import write_rules
from keras_bert_zoo.checkpoints.safetensors_files import save_model
from keras_bert_zoo.checkpoints.shapes import head_shapes
from keras_bert_zoo.encoders.bert import BertEncoder

CONFIG = "config.json"

_POOLED = ("classification", "next_sentence")


def is_published(encoder: keras.Model) -> bool:
    """Says whether a published BERT computes what the encoder does."""
    return isinstance(encoder, BertEncoder) and configs.is_published(
        encoder.get_config()
    )


def has_published_class(encoder: keras.Model, head: HeadWeights) -> bool:
    """Says whether a class of `transformers` gives the same outputs."""
    if not is_published(encoder):
        return False
    config = encoder.get_config()
    if head.kind not in BERT.head_rules or (
        head.kind in _POOLED and not config["use_pooler"]
    ):
        return False
    bias = head.weights.get("bias")
    shapes = head_shapes(head.kind, config, 0 if bias is None else len(bias))
    received = {name: value.shape for name, value in head.weights.items()}
    return received == shapes


def write_huggingface(
    encoder: keras.Model,
    directory: pathlib.Path,
    *,
    heads: Sequence[HeadWeights] = (),
    own: Mapping[str, np.ndarray] | None = None,
    padding_id: int = 0,
) -> None:
    """Writes `config.json` and `model.safetensors`, in float32.

    Args:
        encoder: `BertEncoder`, or another that is registered. One that no
            published BERT computes is written under a model type of its own.
        directory: where to write; it exists.
        heads: those that have a published class: one of them, or `masked_lm`
            and `next_sentence`, which make a `BertForPreTraining`.
        own: further arrays, by the paths of a head's variables.
        padding_id: int. Id of the padding token.

    Raises:
        OSError: if the disk is full.
    """
    values = {
        variable.path: keras.ops.convert_to_numpy(
            keras.ops.cast(variable, "float32")
        )
        for variable in encoder.weights
    }
    if isinstance(encoder, BertEncoder):
        arrays, content = _published(encoder, values, heads, padding_id)
    else:
        prefix = registered_encoder.ENCODER_PREFIX
        arrays = {prefix + path: array for path, array in values.items()}
        content = registered_encoder.config_json(encoder)
    for path, array in (own or {}).items():
        arrays[registered_encoder.HEAD_PREFIX + path] = array
    save_model(arrays, directory)
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    (directory / CONFIG).write_text(text, encoding="utf-8")


def _published(
    encoder: BertEncoder,
    values: Mapping[str, np.ndarray],
    heads: Sequence[HeadWeights],
    padding_id: int,
) -> tuple[dict[str, np.ndarray], dict]:
    """Returns the arrays and the `config.json` as `transformers` has them."""
    config = encoder.get_config()
    rules = [
        rule
        for rule in expand(BERT.rules, config["num_layers"])
        if rule.target in values
    ]
    arrays = write_rules(rules, values, config["num_heads"])
    if heads:
        arrays = {
            f"{BERT.prefix}{name}": array for name, array in arrays.items()
        }
    for head in heads:
        rules = BERT.head_rules[head.kind]
        arrays |= write_rules(rules, head.weights, config["num_heads"])
    return arrays, configs.config_json(
        config, encoder.dtype_policy.name, padding_id, heads
    )
