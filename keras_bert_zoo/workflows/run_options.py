"""The options that fine-tuning and pre-training have in common."""

from __future__ import annotations

import dataclasses
from typing import Literal

from keras_bert_zoo.arguments import Directory
from keras_bert_zoo.arguments import Options
from keras_bert_zoo.arguments import Positive
from keras_bert_zoo.arguments import Seconds
from keras_bert_zoo.arguments import Seed
from keras_bert_zoo.arguments import Tokens


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchOptions(Options):
    """What is in a batch.

    Args:
        batch_size: examples in a batch.
        tokens_per_batch: maximum number of tokens in a batch, in place of a
            fixed number of examples.
        packed_length: pack the examples of a batch, of any length, into
            sequences of about so many tokens; else batches hold examples of
            similar length.
    """

    batch_size: Positive = 32
    tokens_per_batch: Tokens | None = None
    packed_length: Tokens | None = None

    alternatives = (("packed_length", "tokens_per_batch"),)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions(Options):
    """What numbers are computed in, drawn from, and written to.

    Args:
        precision: dtype policy; auto takes the one that this machine's
            hardware is made for.
        seed: of random weights, dropout, the order of examples and what is
            masked of them.
        tensorboard: write TensorBoard's files there during training.
    """

    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"] = (
        "float32"
    )
    seed: Seed = 0
    tensorboard: Directory | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunOptions(Options):
    """Where a run computes, and how it outlives being killed.

    Args:
        strategy: one device; mirrored on all GPUs of this machine; several
            workers, named in TF_CONFIG; or a TPU.
        backup_dir: directory of the backups from which a killed run resumes
            (default: the model's with .backup added).
        backup_seconds: time between two backups; 0 for one after each step.
    """

    strategy: Literal["one", "mirrored", "workers", "tpu"] = "one"
    backup_dir: Directory | None = None
    backup_seconds: Seconds = 60.0
