"""The dtype policy that a machine's hardware is made for."""

import os
import pathlib
from typing import NamedTuple

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import distribution

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
_CPU_INFO = pathlib.Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


class Choice(NamedTuple):
    """A dtype policy, and a line that says why; empty for a named one."""

    policy: str
    reason: str


def choose_precision(name: str) -> Choice:
    """Returns a dtype policy; for `auto` the one the hardware is made for.

    `mixed_bfloat16` on a TPU, on a GPU of compute capability 8 or more, and
    on a processor with bfloat16 instructions, where oneDNN, which uses them,
    is not switched off; `mixed_float16` on a GPU of capability 7; `float32`
    elsewhere.

    Args:
        name: str. One of `PRECISIONS`, or `auto`.

    Raises:
        InputError: if the name is another.
    """
    if name in PRECISIONS:
        return Choice(name, "")
    if name != "auto":
        raise InputError(
            f"The precision must be one of {', '.join(PRECISIONS)}, auto. "
            f"Received: {name!r}."
        )
    if tf.config.list_logical_devices("TPU"):
        return Choice("mixed_bfloat16", "what a TPU multiplies in")
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        capability = details.get("compute_capability", (0, 0))
        reason = f"a GPU of compute capability {'.'.join(map(str, capability))}"
        if capability >= (8, 0):
            return Choice("mixed_bfloat16", reason)
        if capability >= (7, 0):
            return Choice("mixed_float16", reason)
        return Choice("float32", reason)
    instructions = sorted(_BFLOAT16_FLAGS & _cpu_flags())
    if instructions and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0":
        return Choice(
            "mixed_bfloat16", f"the processor has {', '.join(instructions)}"
        )
    return Choice("float32", "nothing faster is built in here")


def agreed(choice: Choice) -> Choice:
    """Returns the chief's choice, in the scope of the workers' strategy."""
    strategy = tf.distribute.get_strategy()
    state, _ = distribution.from_chief(strategy, list(choice), {})
    return Choice(*state)


def _cpu_flags() -> set[str]:
    """Returns the names of the first processor's instruction sets."""
    if not _CPU_INFO.is_file():
        return set()
    for line in _CPU_INFO.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "flags":
            return set(value.split())
    return set()
