"""Which precision a machine computes well."""

import pathlib

import tensorflow as tf

from keras_bert_zoo.errors import InputError

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
_CPU_INFO = pathlib.Path("/proc/cpuinfo")


def resolve_precision(name: str) -> str:
    """Returns a dtype policy's name; chooses one for `auto`.

    `auto` is `mixed_bfloat16` where the processor multiplies matrices in
    bfloat16 (GPUs of compute capability 8, CPUs with AVX512-BF16 or AMX),
    `mixed_float16` on GPUs of capability 7, else `float32`.

    Args:
        name: str. One of `PRECISIONS`, or `auto`.

    Raises:
        InputError: if the name is another.
    """
    if name == "auto":
        return _fastest()
    if name not in PRECISIONS:
        raise InputError(
            f"The precision must be one of {', '.join(PRECISIONS)}, auto. "
            f"Received: {name!r}."
        )
    return name


def _fastest() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        major, _ = details.get("compute_capability", (0, 0))
        if major >= 8:
            return "mixed_bfloat16"
        return "mixed_float16" if major == 7 else "float32"
    flags = _cpu_flags()
    if {"avx512_bf16", "amx_bf16"} & flags:
        return "mixed_bfloat16"
    return "float32"


def _cpu_flags() -> set[str]:
    if not _CPU_INFO.is_file():
        return set()
    for line in _CPU_INFO.read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split())
    return set()
