import pathlib

import every_head
import keras
import programs
import pytest

from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.epoch_score import EpochScore

PROGRAM = pathlib.Path(__file__).with_name("score_on_workers.py")


@pytest.mark.slow
def test_workers_go_by_the_score_of_the_first():
    (first,), (second,) = programs.run_two_workers(PROGRAM)
    assert first["own"] != second["own"]
    assert first["told"] == second["told"] == {"val_f1": first["own"]}
    assert first["mistake"] == second["mistake"]
    assert "Received" in first["mistake"]


@pytest.fixture(scope="module")
def regression():
    head, rows = every_head.HEADS["score"]
    rows = MemoryExamples({key: [row[key] for row in rows] for key in rows[0]})
    return every_head.make_model(head()), rows


def logs_after(model, rows, name, **logs):
    scorer = EpochScore(rows, name=name)
    scorer.set_model(model)
    scorer.on_epoch_end(0, logs)
    return logs


def test_a_named_score_is_added(regression):
    model, rows = regression
    logs = logs_after(model, rows, "spearman", loss=1.0)
    assert logs == {
        "loss": 1.0,
        "val_spearman": model.score(rows)["spearman"],
    }


def test_without_a_name_only_the_heads_choice_is_added(regression):
    assert logs_after(*regression, None) == {}


def test_what_fit_measures_is_left_as_it_is(regression):
    assert logs_after(*regression, "rmse", val_rmse=0.5) == {"val_rmse": 0.5}


def test_a_score_that_there_is_not_is_refused(regression):
    with pytest.raises(InputError, match="kappa.*one of spearman, rmse"):
        logs_after(*regression, "kappa", loss=1.0, val_rmse=0.5)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sign"), [("spearman", -1), ("rmse", 1)])
def test_a_run_stops_by_a_named_score(regression, name, sign):
    model, rows = regression
    model.compile(learning_rate=0.01)
    stop = keras.callbacks.EarlyStopping(
        f"val_{name}", patience=9, restore_best_weights=True
    )
    history = model.fit(
        rows,
        epochs=3,
        validation_data=rows,
        callbacks=[EpochScore(rows, name=name), stop],
        verbose=0,
    ).history
    ranks = [sign * value for value in history[f"val_{name}"]]
    assert stop.best_epoch == ranks.index(min(ranks))
