"""What is reported as a loss does not depend on what shares a batch."""

import every_head
import numpy as np
import pytest

from keras_bert_zoo.data import MemoryExamples


def examples_and_model(name):
    make_head, rows = every_head.HEADS[name]
    model = every_head.make_model(make_head(), dtype="float32")
    model.compile("sgd")
    return MemoryExamples(
        {key: [row[key] for row in rows] for key in rows[0]}
    ), model


@pytest.mark.slow
@pytest.mark.parametrize("name", every_head.HEADS)
def test_a_loss_is_the_mean_over_all_examples(name):
    rows, model = examples_and_model(name)
    found = [
        model.evaluate(rows, batch_size=size, verbose=0, return_dict=True)
        for size in (1, 100)
    ]
    for scores in found:
        losses = [name for name in scores if name.endswith("loss")]
        for loss in losses:
            assert scores[loss] == pytest.approx(found[-1][loss], rel=1e-5)
        if "perplexity" in scores:
            assert scores["loss"] == pytest.approx(
                np.log(scores["perplexity"]), rel=1e-5
            )


# `tests/task/test_model.py` has a case of it that is not slow.
@pytest.mark.slow
@pytest.mark.parametrize("name", every_head.HEADS)
def test_fit_validates_as_evaluate_does(name):
    rows, model = examples_and_model(name)
    history = model.fit(
        rows, validation_data=rows, batch_size=2, verbose=0
    ).history
    found = model.evaluate(rows, batch_size=1, verbose=0, return_dict=True)
    for loss in (name for name in found if name.endswith("loss")):
        assert history[f"val_{loss}"][0] == pytest.approx(found[loss], rel=1e-5)
