"""Encoders and heads on disk, in the formats of other libraries.

A source is a module with two functions, named in the entry-point group
`keras_bert_zoo.checkpoint_sources`:

- `recognizes(source: str) -> bool`, quick and without side effects;
- `open_source(source: str) -> Contents`, which states the architecture, the
  tables of rules and how arrays are read.

The engine does the rest. To add a format, add such a module and its entry.
"""

from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadWeights
from keras_bert_zoo.checkpoints.engine import LoadReport
from keras_bert_zoo.checkpoints.huggingface.registered_encoder import (
    check_registered,
)
from keras_bert_zoo.checkpoints.huggingface.saving import has_published_class
from keras_bert_zoo.checkpoints.huggingface.saving import is_published
from keras_bert_zoo.checkpoints.huggingface.saving import write_huggingface
from keras_bert_zoo.checkpoints.locations import locate
from keras_bert_zoo.registry import checkpoint_sources

__all__ = [
    "Contents",
    "HeadWeights",
    "LoadReport",
    "check_registered",
    "has_published_class",
    "is_published",
    "locate",
    "open_located",
    "write_huggingface",
]


def open_located(kind: str, place: str) -> Contents:
    """Opens what `locate` found, with the source of that kind."""
    return checkpoint_sources.get(kind).open_source(place)
