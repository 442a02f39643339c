"""The texts in which a tagger finds most that is wrong."""

from collections.abc import Iterable

from keras_bert_zoo.task.report_tables import Mistake
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.task.report_tables import mistake_tables
from keras_bert_zoo.task.report_tables import score_tables
from task_heads.tagging.given_labels import spans_of
from task_heads.tagging.given_labels import tags_of
from task_heads.tagging.label_set import LabelSet
from task_heads.tagging.score_rows import score_rows


def tag_tables(
    rows: Iterable,
    answers: Iterable[dict],
    scheme: str,
    labels: LabelSet,
    strict: bool = False,
) -> list[Table]:
    """Returns scores by type, and the texts that are not all right.

    Args:
        rows, answers: as for `TaskHead.score`.
        scheme, labels, strict: as for `score_rows`.
    """
    answers = list(answers)
    mistakes = []
    for row, answer in zip(rows, answers, strict=True):
        tags = tags_of(row.values)
        if tags is None:
            text = row.values["text"]
            truth = {
                f"{label}: {text[start:end]}@{start}"
                for start, end, label in spans_of(row.values)
            }
            given = {
                f"{span['label']}: {span['text']}@{span['start']}"
                for span in answer["spans"]
            }
        else:
            words = [str(word) for word in row.values["tokens"]]
            text = " ".join(words)
            tags = labels.spelled(tags, scheme)
            truth, given = (
                {f"{tag}: {word}@{n}" for n, (tag, word) in enumerate(pairs, 1)}
                for pairs in (zip(tags, words), zip(answer["tags"], words))
            )
        missed, wrong = truth - given, given - truth
        if missed or wrong:
            mistakes.append(
                Mistake(
                    row.origin,
                    text,
                    ", ".join(sorted(missed)),
                    ", ".join(sorted(wrong)),
                    len(missed | wrong),
                )
            )
    return [
        *score_tables(score_rows(rows, answers, scheme, labels, strict)),
        *mistake_tables(mistakes, "differences"),
    ]
