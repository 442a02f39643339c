"""Which precision a machine computes fastest."""

import json
import os
import pathlib
import platform
from typing import NamedTuple

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.files import atomic_file
from keras_bert_zoo.training import workers
from keras_bert_zoo.training.precision_trial import step_seconds

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
_CPU_INFO = pathlib.Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}
# How much faster than those before it another policy must be to be taken:
# float32 needs no care, and bfloat16 no scaling of the loss.
_GAIN = 1.05
# Past these, a file is not what was written here.
_MOST_BYTES = 2**20
_MOST_SECONDS = 1e6


class Choice(NamedTuple):
    """A dtype policy, and a line that says why; empty for a named one."""

    policy: str
    reason: str


def choose_precision(name: str) -> Choice:
    """Returns a dtype policy; for `auto` the fastest that computes well.

    Policies that the hardware is made for take turns at a training step of a
    block of BERT-base, in some seconds. What they take is kept in
    `keras_bert_zoo/precision.json` under `$XDG_CACHE_HOME` (`~/.cache`), for
    this processor, these GPUs and this version of TensorFlow. On a TPU it is
    `mixed_bfloat16`.

    Call it outside of a strategy's scope.

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
    candidates = _candidates()
    if len(candidates) == 1:
        return Choice("float32", "nothing faster is built in here")
    path = _cache_path()
    key = _machine()
    kept = _kept(path)
    seconds = kept.get(key)
    is_known = _is_whole(seconds)
    if not is_known:
        seconds = step_seconds(candidates)
        _keep(path, {**kept, key: seconds})
    best = "float32"
    for policy in candidates:
        if policy in seconds and seconds[policy] * _GAIN < seconds[best]:
            best = policy
    return Choice(best, _reason(seconds, path, is_known))


def agreed(choice: Choice) -> Choice:
    """Returns the chief's choice, in the scope of the workers' strategy."""
    strategy = tf.distribute.get_strategy()
    state, _ = workers.from_chief(strategy, list(choice), {})
    return Choice(*state)


def _candidates() -> list[str]:
    """Returns what the hardware is made for, in order of preference."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        major, _ = details.get("compute_capability", (0, 0))
        further = ["mixed_bfloat16"] if major >= 8 else []
        return ["float32", *further, *(["mixed_float16"] * (major >= 7))]
    has_bfloat16 = _BFLOAT16_FLAGS & set(_cpu_info("flags", "Features"))
    return ["float32", *(["mixed_bfloat16"] if has_bfloat16 else [])]


def _cpu_info(*keys: str) -> list[str]:
    """Returns the words of the first line with one of these keys."""
    if not _CPU_INFO.is_file():
        return []
    for line in _CPU_INFO.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in keys:
            return value.split()
    return []


def _machine() -> str:
    """Returns what the times depend on, in a line."""
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    flags = sorted(_BFLOAT16_FLAGS & set(_cpu_info("flags", "Features")))
    processor = _cpu_info("model name") or [platform.machine()]
    parts = [
        " ".join(processor),
        *flags,
        f"{os.cpu_count()} cores",
        *gpus,
        f"TensorFlow {tf.__version__}",
        f"oneDNN {os.environ.get('TF_ENABLE_ONEDNN_OPTS', 'default')}",
    ]
    return ", ".join(parts)


def _cache_path() -> pathlib.Path:
    folder = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = pathlib.Path(os.path.expanduser(folder))
    return folder / "keras_bert_zoo" / "precision.json"


def _kept(path: pathlib.Path) -> dict:
    # What cannot be read is measured again.
    try:
        # No pipe, which would never end.
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return {}
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _is_whole(seconds) -> bool:
    return (
        isinstance(seconds, dict)
        and "float32" in seconds
        and all(
            name in PRECISIONS
            and isinstance(value, float)
            and 0 < value < _MOST_SECONDS
            for name, value in seconds.items()
        )
    )


def _keep(path: pathlib.Path, found: dict) -> None:
    if not path.is_absolute():
        return
    try:
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    except OSError:
        pass  # Where nothing can be written, each run measures.


def _reason(seconds: dict, path: pathlib.Path, is_known: bool) -> str:
    times = ", ".join(
        f"{name} {1000 * value:.0f} ms" for name, value in seconds.items()
    )
    how = "measured before" if is_known else "measured now"
    return f"{times} a step, {how} ({path})"
