"""Encoders and heads on disk, in the formats of other libraries.

A source is a module with two functions, named in the entry-point group
`keras_bert_zoo.checkpoint_sources`:

- `recognizes(source: str) -> bool`, quick and without side effects;
- `open_source(source: str) -> Contents`, which states the architecture, the
  tables of rules and how arrays are read.

The engine does the rest. To add a format, add such a module and its entry.
"""

import os

from keras_bert_zoo.checkpoints import engine
from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.coverage import LoadReport
from keras_bert_zoo.checkpoints.engine import Checkpoint
from keras_bert_zoo.checkpoints.head_weights import HeadWeights
from keras_bert_zoo.checkpoints.huggingface_saving import has_published_class
from keras_bert_zoo.checkpoints.huggingface_saving import write_huggingface
from keras_bert_zoo.checkpoints.locations import locate
from keras_bert_zoo.registry import checkpoint_sources

__all__ = [
    "Checkpoint",
    "Contents",
    "HeadWeights",
    "LoadReport",
    "has_published_class",
    "load_checkpoint",
    "locate",
    "open_checkpoint",
    "open_located",
    "write_huggingface",
]


def open_checkpoint(
    source: str | os.PathLike, *, kind: str | None = None
) -> Contents:
    """Opens a checkpoint; see `load_checkpoint` for the arguments."""
    return open_located(*locate(source, kind))


def open_located(kind: str, place: str) -> Contents:
    """Opens what `locate` found."""
    return checkpoint_sources.get(kind).open_source(place)


def load_checkpoint(
    source: str | os.PathLike, *, kind: str | None = None
) -> Checkpoint:
    """Loads a published checkpoint: encoder, tokenizer and heads.

    Args:
        source: a file or directory; `package:NAME`; `hf:NAME`; or
            `keras_hub:NAME`.
        kind: name of the format, or `None` to recognize it.

    Raises:
        InputError: if the source is not found or not recognized; or if a
            variable is missing, misshapen or unknown, named in the message.
    """
    return engine.load(open_checkpoint(source, kind=kind))
