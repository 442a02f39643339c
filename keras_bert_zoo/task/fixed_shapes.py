"""When all batches to train on have one of a few shapes."""

from collections.abc import Mapping
from typing import Any

from absl import logging

from keras_bert_zoo import data
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import strategies


def pipeline_options(
    model, fixed_shapes: bool | None, order: Mapping[str, Any]
) -> dict:
    """Returns what `build_dataset` takes for shapes that are few, if wanted.

    Args:
        model: `TaskModel`, compiled.
        fixed_shapes: see `TaskModel.fit`.
        order: its `tokens_per_batch` and `packed_length`, among others.

    Raises:
        InputError: if shapes are to be few and one of these forbids it.
    """
    is_on_tpu = strategies.is_tpu(model.distribute_strategy)
    is_compiled = model.jit_compile or is_on_tpu
    if order["packed_length"] is not None and (is_compiled or fixed_shapes):
        raise InputError(
            "Packed rows are as many and as long as a batch needs, where XLA "
            "wants few shapes. Received: packed_length="
            f"{order['packed_length']}, and a step that XLA compiles or "
            "fixed_shapes=True. Leave the first out"
            + (
                "."
                if is_on_tpu or not model.jit_compile
                else ", or compile with jit_compile=False."
            )
        )
    if fixed_shapes is None:
        fixed_shapes = is_compiled
    if not fixed_shapes:
        return {}
    if order["tokens_per_batch"] is not None:
        raise InputError(
            "Batches of fixed shapes, which a step that XLA compiles is "
            "given, have `batch_size` texts. Received: "
            f"tokens_per_batch={order['tokens_per_batch']}. Leave it out, or "
            "give fixed_shapes=False."
        )
    bucket_lengths = data.default_bucket_lengths(model.sequence_length)
    return {"drop_remainder": True, "bucket_lengths": bucket_lengths}


def evaluation_options(model) -> dict:
    """Returns what `build_dataset` takes to evaluate a model.

    No row is left out, so a chunk's last batch may be smaller than others.

    Args:
        model: `TaskModel`, compiled.
    """
    if not strategies.is_tpu(model.distribute_strategy):
        return {}
    return {
        "bucket_lengths": data.default_bucket_lengths(model.sequence_length)
    }


def report_dropped(num_sequences: int, steps: int, batch_size: int) -> None:
    """Warns of what an epoch leaves out.

    Args:
        num_sequences: int. Those that there are.
        steps: int. Batches of an epoch, all of them whole.
        batch_size: int. Sequences in a batch.

    Raises:
        InputError: if there is no batch.
    """
    if steps == 0:
        raise InputError(
            "Batches of fixed shapes are whole. Received: "
            f"batch_size={batch_size}, and {num_sequences} sequences of "
            "tokens. Lower the first, or give fixed_shapes=False."
        )
    num_dropped = num_sequences - steps * batch_size
    if num_dropped:
        logging.warning(
            "%d of %d sequences are left out of each epoch: they fill no "
            "batch of %d, and shapes are fixed.",
            num_dropped,
            num_sequences,
            batch_size,
        )
