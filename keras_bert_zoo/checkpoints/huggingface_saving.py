"""Writes encoders and heads in Hugging Face's format."""

import json
import os
import pathlib
from collections.abc import Sequence

import keras
import safetensors.numpy

from keras_bert_zoo.checkpoints import huggingface_rules
from keras_bert_zoo.checkpoints.arrays import write_rules
from keras_bert_zoo.checkpoints.head_weights import HeadWeights
from keras_bert_zoo.checkpoints.huggingface_config import huggingface_config
from keras_bert_zoo.checkpoints.huggingface_tokenizer import write_tokenizer
from keras_bert_zoo.checkpoints.rules import expand
from keras_bert_zoo.checkpoints.safetensors_files import SINGLE
from keras_bert_zoo.checkpoints.shapes import head_shapes
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.files import atomic_directory
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer

# What `BertModel` has no place for.
_PLAIN = {"share_layers": False, "position_offset": 0}
_POOLED = ("classification", "next_sentence")


def save_huggingface(
    encoder: BertEncoder,
    tokenizer: BertTokenizer | None,
    directory: str | os.PathLike,
    *,
    head: HeadWeights | Sequence[HeadWeights] | None = None,
    overwrite: bool = False,
) -> None:
    """Writes a directory that `transformers` loads with the same outputs.

    `config.json`, `model.safetensors` (float32), `vocab.txt` and
    `tokenizer_config.json`, all or nothing.

    Args:
        encoder: `BertEncoder`.
        tokenizer: `BertTokenizer`, or `None` to write no vocabulary.
        directory: where to write.
        head: `HeadWeights`, several of them (`masked_lm` and `next_sentence`
            make a `BertForPreTraining`), or `None` for a `BertModel`.
        overwrite: bool. Whether an existing directory may be replaced.

    Raises:
        InputError: if the encoder has what a Hugging Face BERT lacks, a head
            does not belong to it, or the directory exists.
        OSError: if the disk is full; nothing is left behind.
    """
    heads = () if head is None else (head,)
    if isinstance(head, Sequence) and not isinstance(head, HeadWeights):
        heads = tuple(head)
    config = encoder.get_config()
    _check_encoder(config)
    _check_heads(heads, config)
    tensors = _tensors(encoder, heads, config)
    padding_id = 0 if tokenizer is None else tokenizer.vocabulary.padding_id
    with atomic_directory(directory, overwrite) as temporary:
        try:
            safetensors.numpy.save_file(
                tensors, temporary / SINGLE, metadata={"format": "pt"}
            )
        except safetensors.SafetensorError as error:
            # A full disk: what every other write raises.
            raise OSError(f"{directory}: {error}") from error
        _write_json(
            huggingface_config(config, padding_id, heads),
            temporary / "config.json",
        )
        if tokenizer is not None:
            write_tokenizer(tokenizer, temporary)


def _tensors(encoder, heads: Sequence[HeadWeights], config: dict) -> dict:
    values = {
        variable.path: keras.ops.convert_to_numpy(
            keras.ops.cast(variable, "float32")
        )
        for variable in encoder.weights
    }
    rules = [
        rule
        for rule in expand(huggingface_rules.RULES, config["num_layers"])
        if rule.target in values
    ]
    tensors = write_rules(rules, values, config["num_heads"])
    if not heads:
        return tensors
    tensors = {f"bert.{name}": array for name, array in tensors.items()}
    for head in heads:
        rules = huggingface_rules.HEAD_RULES[head.kind]
        written = write_rules(rules, head.weights, config["num_heads"])
        tensors.update(written)
    return tensors


def _check_encoder(config: dict) -> None:
    for key, plain in _PLAIN.items():
        if config[key] != plain:
            raise InputError(
                f"A Hugging Face BERT has {key}={plain}. Received an encoder "
                f"with {key}={config[key]}. Save a preset instead."
            )
    if config["embedding_dim"] not in (None, config["hidden_dim"]):
        raise InputError(
            "A Hugging Face BERT has embeddings as wide as its vectors. "
            f"Received: embedding_dim={config['embedding_dim']}, "
            f"hidden_dim={config['hidden_dim']}. Save a preset instead."
        )


def _check_heads(heads: Sequence[HeadWeights], config: dict) -> None:
    kinds = [head.kind for head in heads]
    several = len(kinds) > 1 and set(kinds) != {"masked_lm", "next_sentence"}
    unknown = sorted(set(kinds) - set(huggingface_rules.HEAD_RULES))
    if several or unknown:
        raise InputError(
            "A Hugging Face BERT has one head of "
            f"{', '.join(huggingface_rules.HEAD_RULES)}, or masked_lm and "
            f"next_sentence together. Received: {', '.join(kinds)}. Save a "
            "preset instead."
        )
    for head in heads:
        if head.kind in _POOLED and not config["use_pooler"]:
            raise InputError(
                f"A Hugging Face {head.kind} head reads the pooled output. "
                "Received an encoder with use_pooler=False. Save a preset "
                "instead."
            )
        bias = head.weights.get("bias")
        num_labels = 0 if bias is None else len(bias)
        shapes = head_shapes(head.kind, config, num_labels)
        found = {name: value.shape for name, value in head.weights.items()}
        if found != shapes:
            raise InputError(
                f"The weights of a {head.kind} head must fit the encoder. "
                f"Received: {found}; expected: {shapes}. Save the encoder "
                "that the head was trained on."
            )


def _write_json(value: dict, path: pathlib.Path) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")
