"""The rows of a step are those that its batch was made of."""

import re

import pytest

from keras_bert_zoo import data
from keras_bert_zoo.data import BatchExamples
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.errors import DivergenceError
from keras_bert_zoo.task import fit_inputs
from keras_bert_zoo.training.callbacks.loss_guard import LossGuard
from task_heads.classification.head import ClassificationHead

# Scores tell rows apart, lengths make groups.
TEXTS = ["fine " * (1 + n % 5) for n in range(23)]
SCORES = [float(n) for n in range(23)]


@pytest.fixture
def model(make_model):
    return make_model(ClassificationHead(kind="regression"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": True, "seed": 5},
        {"shuffle": False, "seed": 0},
        {"shuffle": True, "seed": 5, "tokens_per_batch": 32},
        {"shuffle": True, "seed": 5, "packed_length": 16},
    ],
)
def test_examples_are_those_of_the_batches(model, options):
    rows = data.MemoryExamples({"text": TEXTS, "label": SCORES})
    arguments = fit_inputs.training_data(
        model, rows, None, 4, data.InputCounts(), **options
    )
    batch_examples = BatchExamples(model, rows, batch_size=4, **options)
    third_pass = 2 * arguments["steps_per_epoch"]
    batches = list(arguments["x"].take(third_pass + 2))
    for start, stop in ((1, 2), (third_pass, third_pass + 2)):
        scores = {int(n) for _, y in batches[start:stop] for n in y.numpy()}
        assert batch_examples.origins(start, stop) == [
            f"example {score + 1}" for score in sorted(scores)
        ]


class TurningExamples(Examples):
    """Rows of which one gets a score beyond all bounds, some day.

    `fit` reads them once to check them, then once for each epoch.
    """

    def __init__(self, first_bad_reading):
        self._left = first_bad_reading

    def __iter__(self):
        self._left -= 1
        for number, (text, score) in enumerate(zip(TEXTS, SCORES), start=1):
            if number == 9 and self._left <= 0:
                score = 1e38
            yield Example({"text": text, "label": score}, f"a.tsv:{number + 1}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("epoch", "steps_per_execution", "step"),
    [
        (3, 1, r"step \d of epoch 3"),
        (1, 1, r"step \d of epoch 1"),
        # Eight steps are more than an epoch has rows for.
        (3, 4, r"steps (?:1 to 4|5 to 8) of epoch [23]"),
    ],
)
def test_the_guard_names_the_step_and_its_examples(
    model, epoch, steps_per_execution, step
):
    model.compile("sgd", steps_per_execution=steps_per_execution)
    with pytest.raises(DivergenceError) as raised:
        model.fit(
            # Examples are read to check them, and for a new head's biases.
            TurningExamples(2 + epoch),
            batch_size=4,
            epochs=4,
            verbose=0,
            callbacks=[LossGuard(lambda: "backups/2")],
        )
    found = re.fullmatch(
        r"The loss must be a finite number\. Received: inf in "
        rf"{step}, on a\.tsv:([\d, ]*)\. Lower the learning rate, .* The last "
        r"good backup is backups/2; a run with other settings .*\.",
        str(raised.value),
    )
    listed = found[1].split(", ")
    assert "10" in listed
    assert len(listed) <= 4 * steps_per_execution
