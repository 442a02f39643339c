"""Comparing an artifact's answers with those of the live model."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.errors import ExportError
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task.inference import Inference

# How often the logits are moved to see what rounding may decide.
_NUDGES = 8

# Short, empty, accented, not Latin, with gaps to fill, and longer than any
# encoder reads.
PROBES = (
    "A short text.",
    "",
    "It's the café's naïve menu – 10% off!",
    "東京で会いましょう, см. ниже 😀",
    "A [MASK] text, half[MASK]filled.",
    "Some words that go on and on without an end. " * 60 + "[MASK]",
)


def probe_texts(head: TaskHead) -> dict[str, list[str]]:
    """Returns texts to compare on, for each of the head's text fields."""
    return {
        field: list(PROBES[index:] + PROBES[:index])
        for index, field in enumerate(head.text_fields)
    }


def probe_inputs(
    model,
    sequence_length: int | None = None,
    extra_length: int | None = None,
) -> dict[str, tf.Tensor]:
    """Returns the probe texts as the model reads them.

    Args:
        model: `TaskModel`.
        sequence_length: int or `None`. The static length, or that of the
            longest probe.
        extra_length: int or `None`. The same for the head's own inputs.
    """
    inference = Inference(model)
    features = inference.features(_probes(model), sequence_length)
    return inference.pad(features.inputs, sequence_length, extra_length)


def compare_answers(
    model, received: Mapping[str, np.ndarray], tolerance: float
) -> float:
    """Compares an artifact's answers to the probe texts with the model's.

    Where two answers are as good as equal, rounding decides between them. So
    a probe may be answered otherwise if the model, too, answers it otherwise
    when its logits move by the tolerance.

    Args:
        model: `TaskModel`.
        received: the artifact's answers, by name.
        tolerance: float. See `compare`.

    Returns:
        The largest difference, of the probes that are answered alike.

    Raises:
        ExportError: see `compare`.
    """
    inference = Inference(model)
    features = inference.features(_probes(model))
    run = tf.function(inference.logits, autograph=False)
    logits = run(inference.pad(features.inputs))
    context = features.decoding_context()
    # Traced once: a decoder that walks from word to word takes long eagerly.
    decode = tf.function(
        lambda logits: inference.decode(logits, context),
        reduce_retracing=True,
        autograph=False,
    )

    def answers(logits):
        decoded = decode(logits)
        return {name: value.numpy() for name, value in decoded.items()}

    expected = answers(logits)
    try:
        return compare(expected, received, tolerance)
    except ExportError:
        nudged = [
            answers(_nudged(logits, n, tolerance)) for n in range(_NUDGES)
        ]
        settled = _settled(expected, nudged)
        missing = set(expected) - set(received)
        if settled.all() or not settled.any() or missing:
            raise
    pairs = {
        name: _same_width(value[settled], received[name][settled])
        for name, value in expected.items()
    }
    return compare(
        {name: pair[0] for name, pair in pairs.items()},
        {name: pair[1] for name, pair in pairs.items()},
        tolerance,
    )


def _nudged(logits, seed: int, tolerance: float):
    generator = tf.random.Generator.from_seed(seed)

    def nudge(tensor):
        size = tolerance * tf.maximum(1.0, tf.reduce_max(tf.abs(tensor)))
        return tensor + size * generator.uniform(tf.shape(tensor), -1.0, 1.0)

    return tf.nest.map_structure(nudge, logits)


def _settled(
    expected: Mapping[str, np.ndarray], nudged: Sequence[Mapping]
) -> np.ndarray:
    """Returns bool `(B,)`: probes whose texts and numbers never change."""
    settled = np.ones(len(next(iter(expected.values()))), bool)
    for answers in nudged:
        for name, value in expected.items():
            if value.dtype.kind == "f":
                continue
            for row in range(len(settled)):
                settled[row] &= _trimmed(value[row]) == _trimmed(
                    answers[name][row]
                )
    return settled


def _trimmed(values: np.ndarray) -> list:
    """Returns a row's values without the padding at its end."""
    flat = np.atleast_1d(values).tolist()
    while flat and not np.any(flat[-1]):
        flat.pop()
    return flat


def _same_width(one: np.ndarray, other: np.ndarray) -> tuple:
    """Returns both cut to the smaller size along each axis.

    Either may be padded to a probe that was left out because it is unsettled.
    """
    shape = np.minimum(one.shape, other.shape)
    cut = tuple(slice(size) for size in shape)
    return one[cut], other[cut]


def _probes(model) -> dict[str, tf.Tensor]:
    return {
        field: tf.constant(values)
        for field, values in probe_texts(model.head).items()
    }


def of_real_tokens(
    model,
    described: Iterable[TensorInfo],
    outputs: Mapping[str, np.ndarray],
    inputs: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Returns outputs with 0 for padding, whose values nobody reads.

    What a model makes of padding follows from nothing that it has learned,
    so that rounding moves it further than what it makes of tokens.

    Args:
        model: `TaskModel`.
        described: what the outputs are.
        outputs: arrays by name.
        inputs: what the model read, `padding_mask` `(B, S)` among it.
    """
    mask = np.asarray(inputs[feature_names.PADDING_MASK]) != 0
    # With inputs of the head's own, the second axis may follow those.
    per_token = (
        set()
        if model.head.token_inputs()
        else {
            info.name
            for info in described
            if len(info.shape) > 1 and info.shape[1] is None
        }
    )
    return {
        name: np.where(
            mask.reshape(mask.shape + (1,) * (value.ndim - 2)), value, 0
        ).astype(value.dtype)
        if name in per_token
        else value
        for name, value in outputs.items()
    }


def compare(
    expected: Mapping[str, np.ndarray],
    received: Mapping[str, np.ndarray],
    tolerance: float,
) -> float:
    """Returns the largest difference between two sets of outputs.

    Args:
        expected: the live model's outputs, by name.
        received: the artifact's.
        tolerance: float. Largest difference allowed, relative to the
            output's largest magnitude where that exceeds 1.

    Raises:
        ExportError: if an output is missing or differs by more; texts must
            be equal where `tolerance` is at most 1e-4.
    """
    largest = 0.0
    for name, value in expected.items():
        if name not in received:
            raise ExportError(f"The artifact has no output {name!r}.")
        other = received[name]
        if value.shape != other.shape:
            raise ExportError(
                f"The artifact's {name!r} has the shape {other.shape} "
                f"instead of {value.shape}."
            )
        if value.dtype.kind != "f":
            if tolerance <= 1e-4 and not np.array_equal(value, other):
                raise ExportError(
                    f"The artifact's {name!r} is {other.tolist()} instead of "
                    f"{value.tolist()}."
                )
            continue
        if not value.size:
            continue
        scale = max(1.0, float(np.abs(value).max()))
        difference = float(np.abs(value - other).max()) / scale
        # A NaN compares false with everything, so ask for what is wanted.
        if not difference <= tolerance:
            raise ExportError(
                f"The artifact's {name!r} differs from the model's by "
                f"{difference:.2g}, more than {tolerance:.2g}."
            )
        largest = max(largest, difference)
    return largest
