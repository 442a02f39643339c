"""Scores of predicted tags against the true ones."""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Sequence

from keras_bert_zoo.errors import InputError
from task_heads.tagging.entities import OUTSIDE
from task_heads.tagging.entities import entities
from task_heads.tagging.entities import strict_entities
from task_heads.tagging.schemes import detect_scheme

# Up to how many numbers NumPy adds without halving the array first.
_BLOCK = 128


def entity_scores(
    gold: Iterable[Sequence[str]],
    predicted: Iterable[Sequence[str]],
    strict: bool = False,
    scheme: str | None = None,
) -> dict:
    """Returns precision, recall and F1 of entities.

    An entity is right if its type, first and last word are. A quotient with
    the divisor 0 is 0.

    Args:
        gold: the true tags of each sentence.
        predicted: the predicted ones.
        strict: bool. Whether only entities count that are spelled as the
            scheme asks, or all that can be read from the tags.
        scheme: str or `None`. The scheme of a strict reading; `None` for
            that of `gold`. A lenient reading has no use for it.

    Returns:
        dict with

        - `micro`, `macro` (mean over types) and `weighted` (by support): dicts
          of `precision`, `recall`, `f1` in [0, 1] and `support`, the number
          of true entities;
        - `types`: type -> such a dict, types sorted;
        - `token_accuracy`: float in [0, 1], as `token_accuracy` returns.

    Raises:
        InputError: if sentences or tags are missing on one side, a tag is
            not a string or empty, or, if `strict`, not of the scheme.

    Source: equal, to the last digit, to `classification_report` of seqeval
    1.2.2, in default and strict mode; where there is no entity at all, its
    macro average is NaN.
    """
    gold, predicted = _checked(gold, predicted)
    if strict:
        scheme = detect_scheme(gold) if scheme is None else scheme
        truth, guess = (_read_strictly(s, scheme) for s in (gold, predicted))
    else:
        truth, guess = _read(gold), _read(predicted)
    return {
        **span_scores(truth, guess),
        "token_accuracy": _accuracy(gold, predicted),
    }


def span_scores(truth: set[tuple], guess: set[tuple]) -> dict:
    """Returns `micro`, `macro`, `weighted` and `types`, as `entity_scores`.

    Args:
        truth: the true spans: type first, then whatever tells them apart.
        guess: the predicted ones.
    """
    num_true, num_guessed, num_right = (
        Counter(name for name, *_ in found)
        for found in (truth, guess, truth & guess)
    )
    types = {
        name: _scores(num_right[name], num_guessed[name], num_true[name])
        for name in sorted(num_true | num_guessed)
    }
    support = [scores["support"] for scores in types.values()]
    return {
        "micro": _scores(len(truth & guess), len(guess), len(truth)),
        "macro": _mean(types, [1] * len(types), len(truth)),
        "weighted": _mean(types, support, len(truth)),
        "types": types,
    }


def token_accuracy(
    gold: Iterable[Sequence[str]], predicted: Iterable[Sequence[str]]
) -> float:
    """Returns the share of words with the right tag, `O` included.

    It is 0 if there is no word.

    Raises:
        InputError: if sentences or tags are missing on one side.
    """
    return _accuracy(*_checked(gold, predicted))


def _checked(gold, predicted) -> tuple[list, list]:
    gold, predicted = list(gold), list(predicted)
    if len(gold) != len(predicted):
        raise InputError(
            "There must be as many predicted sequences as true ones. "
            f"Received: {len(gold)} true, {len(predicted)} predicted. Give "
            "one for each sentence."
        )
    for number, (true, guessed) in enumerate(zip(gold, predicted), start=1):
        if len(true) != len(guessed):
            raise InputError(
                f"sequence {number}: there must be as many predicted tags as "
                f"true ones. Received: {len(true)} true, {len(guessed)} "
                "predicted. Give one for each word, also for words that the "
                "model did not see."
            )
    return gold, predicted


def _read(sequences: list) -> set:
    # As one long sentence, as seqeval does: it shows in tags of no scheme.
    return set(
        entities([tag for tags in sequences for tag in (*tags, OUTSIDE)])
    )


def _read_strictly(sequences: list, scheme: str) -> set:
    return {
        (name, number, start, end)
        for number, tags in enumerate(sequences)
        for name, start, end in strict_entities(tags, scheme)
    }


def _accuracy(gold: list, predicted: list) -> float:
    pairs = [pair for two in zip(gold, predicted) for pair in zip(*two)]
    return _quotient(
        sum(true == guessed for true, guessed in pairs), len(pairs)
    )


def _scores(num_right: int, num_guessed: int, num_true: int) -> dict:
    precision = _quotient(num_right, num_guessed)
    recall = _quotient(num_right, num_true)
    f1 = _quotient(2 * precision * recall, precision + recall)
    return {
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "support": num_true,
    }


def _mean(types: dict, weights: list[int], support: int) -> dict:
    means = {
        key: _quotient(
            _sum([s[key] * w for s, w in zip(types.values(), weights)]),
            sum(weights),
        )
        for key in ("precision", "recall", "f1")
    }
    return {**means, "support": support}


def _quotient(dividend: float, divisor: float) -> float:
    return dividend / divisor if divisor else 0.0


def _sum(values: list[float]) -> float:
    """Adds in the order of NumPy, on which the last digit depends."""
    if len(values) > _BLOCK:
        half = len(values) // 2 // 8 * 8
        return _sum(values[:half]) + _sum(values[half:])
    total, rest = 0.0, values
    if len(values) >= 8:
        end = len(values) // 8 * 8
        a, b, c, d, e, f, g, h = (_add(values[k:end:8]) for k in range(8))
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
        rest = values[end:]
    return _add([total, *rest])


def _add(values: list[float]) -> float:
    # Not sum(), which compensates for rounding from Python 3.12 on.
    total = 0.0
    for value in values:
        total += value
    return total
