"""Reads encoders kept as NumPy arrays: a checkpoint source of one's own.

A directory holds `bert.npz`, with the arrays under names of this format, a
`config.json` with the arguments of `BertEncoder`, and `vocab.txt`.
"""

import json
import pathlib

import numpy as np

from keras_bert_zoo import BertTokenizer
from keras_bert_zoo import InputError
from keras_bert_zoo import Vocabulary
from keras_bert_zoo.checkpoints import Contents
from keras_bert_zoo.checkpoints.rules import TRANSPOSED
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.checkpoints.rules import Variables

_OURS = "transformer_block_{i}"

# One row per variable of `BertEncoder`: its path, the names here, and how the
# array is laid out. Several names stand side by side in one variable.
RULES = (
    Rule("embeddings/token_embedding", ("words",)),
    Rule("embeddings/position_embedding", ("positions",)),
    Rule("embeddings/segment_embedding", ("segments",)),
    Rule("embeddings/layer_norm/gamma", ("norm.scale",)),
    Rule("embeddings/layer_norm/beta", ("norm.shift",)),
    Rule(
        f"{_OURS}/self_attention/qkv_kernel",
        ("{i}.q", "{i}.k", "{i}.v"),
        TRANSPOSED,
    ),
    Rule(
        f"{_OURS}/self_attention/qkv_bias",
        ("{i}.q.bias", "{i}.k.bias", "{i}.v.bias"),
    ),
    Rule(f"{_OURS}/self_attention/output_kernel", ("{i}.o",), TRANSPOSED),
    Rule(f"{_OURS}/self_attention/output_bias", ("{i}.o.bias",)),
    Rule(f"{_OURS}/attention_layer_norm/gamma", ("{i}.norm1.scale",)),
    Rule(f"{_OURS}/attention_layer_norm/beta", ("{i}.norm1.shift",)),
    Rule(f"{_OURS}/feed_forward/intermediate_kernel", ("{i}.up",), TRANSPOSED),
    Rule(f"{_OURS}/feed_forward/intermediate_bias", ("{i}.up.bias",)),
    Rule(f"{_OURS}/feed_forward/output_kernel", ("{i}.down",), TRANSPOSED),
    Rule(f"{_OURS}/feed_forward/output_bias", ("{i}.down.bias",)),
    Rule(f"{_OURS}/output_layer_norm/gamma", ("{i}.norm2.scale",)),
    Rule(f"{_OURS}/output_layer_norm/beta", ("{i}.norm2.shift",)),
    Rule("pooler/kernel", ("pooler",), TRANSPOSED),
    Rule("pooler/bias", ("pooler.bias",)),
)


def recognizes(source: str) -> bool:
    """Says whether the source is such a directory."""
    return (pathlib.Path(source) / "bert.npz").is_file()


def open_source(source: str) -> Contents:
    """Opens a directory; the engine checks, maps and fills.

    Raises:
        InputError: if there is no such directory.
    """
    directory = pathlib.Path(source)
    if not recognizes(source):
        raise InputError(
            f"A NumPy BERT is a directory with bert.npz. Received: {source}."
        )
    arrays = np.load(directory / "bert.npz", allow_pickle=False)
    return Contents(
        kind="numpy",
        origin=source,
        config=json.loads((directory / "config.json").read_text("utf-8")),
        variables=Variables(
            {name: arrays[name].shape for name in arrays.files},
            lambda name: arrays[name],
        ),
        rules=RULES,
        tokenizer=lambda: BertTokenizer(
            Vocabulary.from_file(directory / "vocab.txt"), lowercase=True
        ),
    )
