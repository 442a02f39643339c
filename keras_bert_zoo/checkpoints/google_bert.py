"""Reads the checkpoints of google-research/bert (TensorFlow 1).

A directory holds `bert_model.ckpt.*`, `bert_config.json` and `vocab.txt`.
`gelu` in the configuration is read as the exact form, with which the
checkpoints are published elsewhere too; the layer norms' epsilon, which the
configuration does not state, is 1e-12.

Source: https://github.com/google-research/bert
"""

import functools

from absl import logging

from keras_bert_zoo.checkpoints import tensorflow_files
from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadSource
from keras_bert_zoo.checkpoints.contents import further_head
from keras_bert_zoo.checkpoints.contents import guess_note
from keras_bert_zoo.checkpoints.huggingface.config import encoder_config
from keras_bert_zoo.checkpoints.huggingface.config import numbered_labels
from keras_bert_zoo.checkpoints.rules import TRANSPOSED
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.errors import InputError

KIND = "google_bert"

_ENCODER_NAMES = ("bert/",)

_OURS = "transformer_block_{i}"
_THEIRS = "bert/encoder/layer_{i}"
_SELF = f"{_THEIRS}/attention/self"
_TRANSFORM = "cls/predictions/transform"

RULES = (
    Rule("embeddings/token_embedding", ("bert/embeddings/word_embeddings",)),
    Rule(
        "embeddings/position_embedding",
        ("bert/embeddings/position_embeddings",),
    ),
    Rule(
        "embeddings/segment_embedding",
        ("bert/embeddings/token_type_embeddings",),
    ),
    Rule("embeddings/layer_norm/gamma", ("bert/embeddings/LayerNorm/gamma",)),
    Rule("embeddings/layer_norm/beta", ("bert/embeddings/LayerNorm/beta",)),
    Rule(
        f"{_OURS}/self_attention/qkv_kernel",
        (
            f"{_SELF}/query/kernel",
            f"{_SELF}/key/kernel",
            f"{_SELF}/value/kernel",
        ),
    ),
    Rule(
        f"{_OURS}/self_attention/qkv_bias",
        (f"{_SELF}/query/bias", f"{_SELF}/key/bias", f"{_SELF}/value/bias"),
    ),
    Rule(
        f"{_OURS}/self_attention/output_kernel",
        (f"{_THEIRS}/attention/output/dense/kernel",),
    ),
    Rule(
        f"{_OURS}/self_attention/output_bias",
        (f"{_THEIRS}/attention/output/dense/bias",),
    ),
    Rule(
        f"{_OURS}/attention_layer_norm/gamma",
        (f"{_THEIRS}/attention/output/LayerNorm/gamma",),
    ),
    Rule(
        f"{_OURS}/attention_layer_norm/beta",
        (f"{_THEIRS}/attention/output/LayerNorm/beta",),
    ),
    Rule(
        f"{_OURS}/feed_forward/intermediate_kernel",
        (f"{_THEIRS}/intermediate/dense/kernel",),
    ),
    Rule(
        f"{_OURS}/feed_forward/intermediate_bias",
        (f"{_THEIRS}/intermediate/dense/bias",),
    ),
    Rule(
        f"{_OURS}/feed_forward/output_kernel",
        (f"{_THEIRS}/output/dense/kernel",),
    ),
    Rule(
        f"{_OURS}/feed_forward/output_bias", (f"{_THEIRS}/output/dense/bias",)
    ),
    Rule(
        f"{_OURS}/output_layer_norm/gamma",
        (f"{_THEIRS}/output/LayerNorm/gamma",),
    ),
    Rule(
        f"{_OURS}/output_layer_norm/beta",
        (f"{_THEIRS}/output/LayerNorm/beta",),
    ),
    Rule("pooler/kernel", ("bert/pooler/dense/kernel",)),
    Rule("pooler/bias", ("bert/pooler/dense/bias",)),
)

HEAD_RULES = {
    "classification": (
        Rule("kernel", ("output_weights",), TRANSPOSED),
        Rule("bias", ("output_bias",)),
    ),
    "span_qa": (
        Rule("kernel", ("cls/squad/output_weights",), TRANSPOSED),
        Rule("bias", ("cls/squad/output_bias",)),
    ),
    "masked_lm": (
        Rule("transform_kernel", (f"{_TRANSFORM}/dense/kernel",)),
        Rule("transform_bias", (f"{_TRANSFORM}/dense/bias",)),
        Rule("layer_norm/gamma", (f"{_TRANSFORM}/LayerNorm/gamma",)),
        Rule("layer_norm/beta", (f"{_TRANSFORM}/LayerNorm/beta",)),
        Rule("output_bias", ("cls/predictions/output_bias",)),
    ),
    "next_sentence": (
        Rule("kernel", ("cls/seq_relationship/output_weights",), TRANSPOSED),
        Rule("bias", ("cls/seq_relationship/output_bias",)),
    ),
}

# What the optimizers of the published scripts leave behind.
IGNORED = (
    r"global_step",
    r".+/adam_[mv]",
    r"(.+/)?Adam(_1)?",
    r"beta[12]_power",
)


def recognizes(source: str) -> bool:
    """Says whether the source is a TF1 checkpoint."""
    prefix = tensorflow_files.find(source)
    return prefix is not None and not tensorflow_files.is_object_graph(prefix)


def open_source(source: str) -> Contents:
    """Opens a TF1 checkpoint with its configuration and vocabulary.

    Args:
        source: directory, or prefix of the checkpoint files in it.

    Raises:
        InputError: if a file is missing or corrupt.
    """
    prefix = tensorflow_files.find(source)
    if prefix is None:
        raise InputError(
            "A google-research BERT is a directory with bert_model.ckpt.*, "
            f"bert_config.json and vocab.txt. Received: {source}, which has "
            "no checkpoint. Unpack the whole archive."
        )
    directory = prefix.parent
    variables = tensorflow_files.variables_of(prefix)
    config = encoder_config(
        tensorflow_files.read_config(directory),
        directory / tensorflow_files.CONFIG,
    )
    heads = tuple(_heads(variables.shapes))
    architecture = further_head(
        variables.shapes,
        [rule for head in heads for rule in head.rules],
        _ENCODER_NAMES,
        IGNORED,
    )
    notes = tuple(
        guess_note(prefix.name, head.kind, head.also[0])
        for head in heads
        if head.also and not architecture
    )
    for note in notes:
        logging.warning("%s: %s", prefix, note)
    return Contents(
        kind=KIND,
        origin=str(prefix),
        config=config,
        variables=variables,
        rules=RULES,
        tokenizer=functools.partial(tensorflow_files.read_tokenizer, directory),
        heads=heads,
        ignored=IGNORED,
        encoder_names=_ENCODER_NAMES,
        notes=notes,
        architecture=architecture,
    )


def _heads(shapes):
    for kind, rules in HEAD_RULES.items():
        if not any(rule.sources[0] in shapes for rule in rules):
            continue
        if kind != "classification":
            yield HeadSource(kind, rules)
            continue
        # The checkpoint keeps neither the labels' names nor what it labels.
        (count, *_) = shapes.get("output_bias") or (0,)
        regression = count == 1
        yield HeadSource(
            kind,
            rules,
            [] if regression else numbered_labels(count),
            {"kind": "regression" if regression else "single_label"},
            also=("tagging",),
        )
