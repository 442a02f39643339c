"""A run with any head goes on, after a stop, as if there had been none."""

import every_head
import fit_with_backup as run
import keras
import numpy as np
import pytest

import keras_bert_zoo as zoo

# Of times there are others each time.
MEASURED = ("seconds", "tokens_per_second")


class Stop(Exception):
    pass


def stop():
    raise Stop


def fitted(name, directory, step):
    """Returns history and weights; stops after a step, unless it is 0."""
    keras.utils.set_random_seed(1)
    make_head, rows = every_head.HEADS[name]
    model = every_head.make_model(make_head())
    model.compile(learning_rate=1e-3)
    history = model.fit(
        rows,
        batch_size=2,
        epochs=2,
        shuffle=True,
        validation_data=rows,
        verbose=0,
        backup=zoo.Backup(directory, seconds=0),
        callbacks=[run.After(step, stop)],
    ).history
    return history, model.get_weights()


@pytest.mark.slow
@pytest.mark.parametrize("name", every_head.HEADS)
def test_a_head_resumes_bit_for_bit(name, tmp_path):
    whole, weights = fitted(name, tmp_path / "whole", 0)
    with pytest.raises(Stop):
        fitted(name, tmp_path / "stopped", 2)
    history, own_weights = fitted(name, tmp_path / "stopped", 0)
    assert list(history) == list(whole)
    for measure in set(whole).difference(MEASURED):
        assert history[measure] == whole[measure], measure
    pairs = zip(own_weights, weights, strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)
