"""Examples to score whose labels a head does not know.

Published splits have some: a validation or test example may have a label that
no training example has. It counts as wrong, whatever is answered, and weighs
nothing in the loss.
"""

import collections
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from absl import logging

from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import ExampleReport
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.examples import as_examples
from keras_bert_zoo.data.examples import check_examples
from keras_bert_zoo.data.examples import settled
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import UnseenLabelError
from keras_bert_zoo.feature_names import SAMPLE_WEIGHT

SHOWN_LABELS = 10


class WithUnseenLabels(Examples):
    """Other examples, with labels marked that a head does not know.

    Args:
        examples: re-iterable examples.
        head: `TaskHead`; its `mark_unseen` marks them.
    """

    is_weighted = True

    def __init__(self, examples: Iterable[Example], head: Any):
        self._examples = examples
        self._head = head

    def __iter__(self) -> Iterator[Example]:
        for example in self._examples:
            values, unseen = self._head.mark_unseen(example.values)
            weight = 0.0 if unseen else values.get(SAMPLE_WEIGHT, 1.0)
            yield example._replace(values={**values, SAMPLE_WEIGHT: weight})

    def unseen(self) -> tuple[int, collections.Counter]:
        """Returns how many examples have such labels, and how often each."""
        found = [
            self._head.mark_unseen(one.values)[1] for one in self._examples
        ]
        counts = collections.Counter(name for names in found for name in names)
        return sum(map(bool, found)), counts


def checked_to_score(
    examples: Examples, head: Any
) -> tuple[Examples, ExampleReport]:
    """Returns labelled examples, checked, with unseen labels marked if any.

    Unseen labels are named and counted in a warning.

    Args:
        examples: labelled examples.
        head: `TaskHead`.

    Raises:
        InputError: if an example is wrong otherwise, or there is none.
    """
    try:
        return examples, check_examples(examples, head)
    except UnseenLabelError:
        marked = WithUnseenLabels(examples, head)
        report = check_examples(marked, head)
    num_examples, counts = marked.unseen()
    shown = [f"{name} ({n})" for name, n in counts.most_common(SHOWN_LABELS)]
    if len(counts) > len(shown):
        shown.append(f"and {len(counts) - len(shown)} more")
    logging.warning(
        "%d of %d examples have labels that the model was not trained with, "
        "and count as wrong: %s.",
        num_examples,
        report.num_examples,
        ", ".join(shown),
    )
    return marked, report


def labelled_examples(
    x: Any,
    head: Any,
    columns: Mapping[str, str] | None = None,
    y: Any = None,
) -> Examples:
    """Returns examples with labels, all of them checked, to be scored.

    Args:
        x, y: what `as_examples` takes.
        head: `TaskHead`, which reads them.
        columns: see `as_examples`.

    Raises:
        InputError: if these are no examples, or one is wrong or has no label.
    """
    examples = as_examples(settled(x), y, head, columns=columns)
    if examples is None:
        raise InputError(
            "Labelled examples are needed, or a list of mappings. Received: "
            f"{type(x).__name__}. Give texts and labels, or MemoryExamples."
        )
    return checked_to_score(examples, head)[0]
