"""Scores of predicted tags and spans, and the tables of a report on them."""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.report_tables import SHOWN_MISTAKES
from keras_bert_zoo.task.report_tables import MarkedText
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.task.report_tables import score_tables
from task_heads.tagging.examples import spans_of
from task_heads.tagging.examples import tags_of
from task_heads.tagging.labels import LabelSet
from task_heads.tagging.schemes import OUTSIDE
from task_heads.tagging.schemes import detect_scheme
from task_heads.tagging.schemes import entities
from task_heads.tagging.schemes import strict_entities

# Up to how many numbers NumPy adds without halving the array first.
_BLOCK = 128
# Of a text with a mistake: characters before the first one, and in all.
_SHOWN_BEFORE, _SHOWN_CHARACTERS = 60, 240


def score_examples(
    examples: Iterable,
    answers: Iterable[dict],
    scheme: str,
    labels: LabelSet,
    strict: bool = False,
) -> dict:
    """Returns `entity_scores`, or the accuracy for tags without prefixes.

    Examples of tags are scored word for word. Once there are examples of spans,
    which are known by the characters at which they begin and end, all that
    counts is whether spans are found, and there is no accuracy of words.
    Tags without prefixes spell no spans: examples of both kinds have a score
    each, `span_scores` and the accuracy.

    Args:
        examples: labelled examples.
        answers: the answer to each.
        scheme: str. The scheme of the examples' tags.
        labels: of the head.
        strict: bool. See `entity_scores`.
    """
    truth, guess = [], []
    true_spans, guessed_spans = set(), set()
    num_examples = 0
    for number, (example, answer) in enumerate(
        zip(examples, answers, strict=True)
    ):
        num_examples += 1
        tags = tags_of(example.values)
        if tags is None:
            true_spans |= _numbered(number, spans_of(example.values))
            guessed_spans |= _numbered(
                number,
                ((s["start"], s["end"], s["label"]) for s in answer["spans"]),
            )
            continue
        truth.append(labels.spelled(tags, scheme))
        guess.append(answer["tags"])
        if scheme != "none":
            true_spans |= _numbered(number, _spans_of_words(truth[-1]))
            guessed_spans |= _numbered(number, _spans_of_words(guess[-1]))
    accuracy = {}
    if scheme == "none" and truth:
        accuracy = {"token_accuracy": token_accuracy(truth, guess)}
    if len(truth) < num_examples or not num_examples:
        return span_scores(true_spans, guessed_spans) | accuracy
    return accuracy or entity_scores(truth, guess, strict, labels.scheme)


def is_right(
    values: Mapping[str, Any],
    answer: dict,
    scheme: str,
    labels: LabelSet,
    strict: bool = False,
) -> bool:
    """Returns whether an answer has exactly the spans of its example.

    That is, their ends and types; of tags without prefixes, which spell no
    spans, all tags.

    Args:
        values: a labelled example.
        answer: the answer to it.
        scheme, labels, strict: as for `score_examples`.
    """
    tags = tags_of(values)
    if tags is None:
        answered = {(s["start"], s["end"], s["label"]) for s in answer["spans"]}
        return answered == set(spans_of(values))
    truth, guess = labels.spelled(tags, scheme), answer["tags"]
    if scheme == "none":
        return truth == guess
    if strict:
        return strict_entities(truth, labels.scheme) == strict_entities(
            guess, labels.scheme
        )
    return entities(truth) == entities(guess)


def _numbered(number: int, spans: Iterable) -> set[tuple]:
    return {(label, number, start, end) for start, end, label in spans}


def _spans_of_words(tags: list[str]) -> Iterator[tuple[int, int, str]]:
    for name, start, end in entities(tags):
        yield start, end, name


def tag_tables(
    examples: Iterable,
    answers: Iterable[dict],
    scheme: str,
    labels: LabelSet,
    strict: bool = False,
) -> list[Table]:
    """Returns scores by type, and the texts that are not all right.

    Args:
        examples, answers: as for `TaskHead.score`.
        scheme, labels, strict: as for `score_examples`.
    """
    answers = list(answers)
    mistakes = []
    for example, answer in zip(examples, answers, strict=True):
        tags = tags_of(example.values)
        if tags is None:
            text = example.values["text"]
            truth = set(spans_of(example.values))
            answered = {
                (span["start"], span["end"], span["label"])
                for span in answer["spans"]
            }
        else:
            words = [str(word) for word in example.values["tokens"]]
            text = " ".join(words)
            truth, answered = (
                _tagged_words(words, some)
                for some in (labels.spelled(tags, scheme), answer["tags"])
            )
        different = truth ^ answered
        if different:
            first = min(start for start, *_ in different)
            marked = MarkedText(
                [
                    [(f"{which}: ", ""), *_marked(text, spans, first)]
                    for which, spans in (
                        ("expected", truth),
                        ("received", answered),
                    )
                ]
            )
            mistakes.append((example.origin, marked, len(different)))
    worst = heapq.nlargest(SHOWN_MISTAKES, mistakes, key=lambda one: one[-1])
    columns = ("example", "text", "differences")
    return [
        *score_tables(
            score_examples(examples, answers, scheme, labels, strict)
        ),
        *([Table("Worst mistakes", columns, worst)] if worst else []),
    ]


def _tagged_words(words: Sequence[str], tags: Iterable[str]) -> set[tuple]:
    """Returns `(start, end, tag)`, in characters, of the words with a tag."""
    ends = itertools.accumulate(len(word) + 1 for word in words)
    return {
        (end - 1 - len(word), end - 1, tag)
        for word, end, tag in zip(words, ends, tags)
        if tag != OUTSIDE
    }


def _marked(
    text: str, spans: Iterable[tuple], first: int
) -> list[tuple[str, str]]:
    """Returns the parts of a text around its first mistake, see `MarkedText`.

    Args:
        text: str.
        spans: start, end (exclusive) and label of each, in characters.
        first: int. Where the first mistake begins.
    """
    begin = max(first - _SHOWN_BEFORE, 0)
    stop = begin + _SHOWN_CHARACTERS
    parts = [("\u2026", "")] if begin else []
    position = begin
    for start, end, label in sorted(spans):
        start, end = max(start, position), min(end, stop)
        if start < end:
            parts += [(text[position:start], ""), (text[start:end], label)]
            position = end
    parts.append((text[position:stop], ""))
    if stop < len(text):
        parts.append(("\u2026", ""))
    return [part for part in parts if part[0]]


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
        truth: the true spans: type first, then what identifies them.
        guess: the predicted ones.
    """
    num_true, num_guessed, num_right = (
        Counter(name for name, *_ in spans)
        for spans in (truth, guess, truth & guess)
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
    """Returns the fraction of words with the right tag, `O` included.

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
