"""Tables of a report: confusion matrix, counts by label, worst mistakes."""

from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_bert_zoo.task.report_tables import Mistake
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.task.report_tables import mistake_tables
from task_heads.classification import labels as class_labels

# Of a larger matrix only the cells with the most examples are shown.
MATRIX_LABELS = 20
SHOWN_CONFUSIONS = 30
UNSEEN_LABEL = "(unseen in training)"


def label_tables(
    examples: Iterable,
    answers: Iterable[dict],
    label_of: Callable[[Mapping[str, Any]], Any],
    kind: str,
    labels: Sequence[str] | None,
    text_fields: Sequence[str],
) -> list[Table]:
    """Returns the tables of a classification head.

    Args:
        examples, answers: as for `TaskHead.score`.
        label_of: function from an example's values to its label in numbers.
        kind, labels, text_fields: of the head.
    """
    find = {
        "single_label": _single_label,
        "multi_label": _multi_label,
        "regression": _regression,
    }[kind]
    parsed = [
        (
            example.origin,
            _shown(example.values, text_fields),
            label_of(example.values),
            answer,
        )
        for example, answer in zip(examples, answers, strict=True)
    ]
    return find(parsed, labels)


def _shown(values, text_fields):
    # Beside a tagger, an example may have words in place of a text.
    texts = [values[field] for field in text_fields if field in values]
    return " / ".join(texts) or " ".join(map(str, values.get("tokens", ())))


def _single_label(parsed, labels):
    counts = Counter()
    mistakes = []
    for origin, text, index, answer in parsed:
        expected, received = UNSEEN_LABEL, answer["label"]
        if index != class_labels.UNSEEN:
            expected = labels[index]
        counts[expected, received] += 1
        if expected != received:
            mistakes.append(
                Mistake(origin, text, expected, received, answer["probability"])
            )
    return [
        _confusions(counts, labels),
        *mistake_tables(mistakes, "its probability"),
    ]


def _confusions(counts, labels):
    if len(labels) <= MATRIX_LABELS:
        rows = [
            (true, *(counts[true, answered] for answered in labels))
            for true in labels
        ]
        title = (
            "Confusion matrix: rows are the true labels, columns the answers"
        )
        return Table(title, ("true label", *labels), rows)
    wrong = Counter({k: n for k, n in counts.items() if k[0] != k[1]})
    rows = [(*pair, n) for pair, n in wrong.most_common(SHOWN_CONFUSIONS)]
    return Table(
        "Most frequent confusions", ("true label", "answer", "examples"), rows
    )


def _multi_label(parsed, labels):
    truth = np.zeros((len(parsed), len(labels)), bool)
    answered = np.zeros_like(truth)
    mistakes = []
    for row, (origin, text, flags, answer) in enumerate(parsed):
        truth[row] = flags > 0
        answered[row] = [label in answer["labels"] for label in labels]
        if (truth[row] != answered[row]).any():
            scores = np.array([answer["scores"][label] for label in labels])
            mistakes.append(
                Mistake(
                    origin,
                    text,
                    _joined(labels, truth[row]),
                    _joined(labels, answered[row]),
                    float(np.max(np.abs(truth[row] - scores))),
                )
            )
    rows = [
        (
            label,
            int((truth[:, index] & answered[:, index]).sum()),
            int((truth[:, index] & ~answered[:, index]).sum()),
            int((~truth[:, index] & answered[:, index]).sum()),
        )
        for index, label in enumerate(labels)
    ]
    table = Table(
        "Examples by label", ("label", "found", "missed", "wrongly given"), rows
    )
    return [table, *mistake_tables(mistakes, "largest error of a probability")]


def _joined(labels, flags):
    chosen = [label for label, flag in zip(labels, flags) if flag]
    return class_labels.SEPARATOR.join(chosen)


def _regression(parsed, labels):
    mistakes = [
        Mistake(
            origin,
            text,
            f"{score:.4g}",
            f"{answer['score']:.4g}",
            abs(answer["score"] - score),
        )
        for origin, text, score, answer in parsed
    ]
    distances = [mistake.weight for mistake in mistakes]
    table = Table(
        "Distance of scores from the truth",
        ("measure", "value"),
        [
            ("mean", float(np.mean(distances))),
            ("median", float(np.median(distances))),
            ("largest", float(np.max(distances))),
        ],
    )
    return [table, *mistake_tables(mistakes, "distance")]
