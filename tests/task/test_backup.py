"""A run that was stopped goes on as if it never was."""

import pathlib
import re
import shutil
import signal
import threading
from typing import NamedTuple

import fit_with_backup as run
import keras
import numpy as np
import programs
import pytest
import tensorflow as tf

import keras_bert_zoo as zoo
from keras_bert_zoo.errors import DivergenceError
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.errors import StoppedError
from keras_bert_zoo.training.callbacks.loss_guard import LossGuard
from keras_bert_zoo.training.resume import backup_files
from keras_bert_zoo.training.resume import run_settings

PROGRAM = pathlib.Path(run.__file__)


class Fall(Exception):
    pass


def fall():
    raise Fall


@pytest.fixture(scope="module")
def whole():
    """Digest and history of a run without any backup."""
    model = run.make_model()
    history = run.fit(model, None, [run.After(0, fall)])
    return run.digest(model), history


def stopped(directory, step, act=fall, **options):
    backup = zoo.Backup(directory, seconds=0)
    with pytest.raises((Fall, StoppedError)):
        run.fit(run.make_model(), backup, [run.After(step, act)], **options)
    return backup


class Early(NamedTuple):
    """A run that was stopped after the first step of its second epoch."""

    directory: pathlib.Path
    # What another run was told that wanted the directory meanwhile.
    refusal: str


@pytest.fixture(scope="module")
def early(tmp_path_factory):
    directory = tmp_path_factory.mktemp("early")
    other = run.make_model()
    refusals = []

    def begin_other():
        with pytest.raises(InputError) as raised:
            run.fit(other, zoo.Backup(directory), [])
        refusals.append(str(raised.value))
        fall()

    stopped(directory, 6, begin_other)
    return Early(directory, *refusals)


# In the first epoch, after its last step, in the middle of the last one.
@pytest.mark.parametrize(
    "step",
    [pytest.param(step, marks=pytest.mark.slow) for step in (2, 5, 13)] + [6],
)
def test_resumes_bit_for_bit(tmp_path, step, whole, early):
    if step == 6:
        shutil.copytree(early.directory, tmp_path, dirs_exist_ok=True)
    else:
        stopped(tmp_path, step)
    # Other seeds than those of the first process.
    model = run.make_model(seed=9)
    backup = zoo.Backup(tmp_path, seconds=0)
    history = run.fit(model, backup, [run.After(0, fall)])
    assert run.digest(model) == whole[0]
    assert history == whole[1]
    assert model.input_counts.num_examples == run.NUM_ROWS


class OwnStep(zoo.TaskModel):
    def train_step(self, data):
        return super().train_step(data)


@pytest.mark.slow
def test_a_step_of_ones_own_resumes(tmp_path):
    found = []
    for seed, backup in ((1, None), (9, zoo.Backup(tmp_path))):
        if backup is not None:
            early = zoo.Backup(tmp_path, seconds=0)
            with pytest.raises(Fall):
                run.fit(
                    run.make_model(kind=OwnStep), early, [run.After(7, fall)]
                )
        model = run.make_model(seed, kind=OwnStep)
        history = run.fit(model, backup, [run.After(0, fall)])
        found.append((run.digest(model), history))
    assert found[0] == found[1]


@pytest.mark.slow
def test_packed_sequences_resume(tmp_path):
    found = []
    for seed, backup in ((1, None), (9, zoo.Backup(tmp_path))):
        if backup is not None:
            stopped(tmp_path, 7, packed_length=24)
        model = run.make_model(seed)
        history = run.fit(model, backup, [run.After(0, fall)], packed_length=24)
        found.append((run.digest(model), history))
    assert found[0] == found[1]


def scaled():
    """Arguments of `compile` with all that a step may keep."""
    inner = keras.optimizers.AdamW(
        1e-2, gradient_accumulation_steps=2, use_ema=True, ema_momentum=0.9
    )
    return {
        "optimizer": keras.optimizers.LossScaleOptimizer(
            inner, initial_scale=2.0**10, dynamic_growth_steps=3
        ),
        "steps_per_execution": 2,
    }


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 3, 5])
def test_all_that_an_optimizer_keeps_resumes(tmp_path, step):
    """The scale of the loss, half a sum of gradients, averages of weights."""
    found = []
    for seed, backup in ((1, None), (9, zoo.Backup(tmp_path, seconds=0))):
        swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        if backup is not None:
            model = run.make_model(**scaled())
            early = zoo.Backup(tmp_path, seconds=0)
            with pytest.raises(Fall):
                run.fit(model, early, [swap, run.After(step, fall)])
            swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        model = run.make_model(seed, **scaled())
        history = run.fit(model, backup, [swap, run.After(0, fall)])
        scale = float(model.optimizer.dynamic_scale.numpy())
        found.append((run.digest(model), history, scale))
    assert found[0] == found[1]
    assert found[0][2] > 2.0**10


@pytest.mark.slow
def test_a_later_first_epoch_resumes(tmp_path):
    found = []
    for seed, backup in ((1, None), (9, zoo.Backup(tmp_path))):
        if backup is not None:
            stopped(tmp_path, 3, initial_epoch=1)
        model = run.make_model(seed)
        history = run.fit(model, backup, [run.After(0, fall)], initial_epoch=1)
        found.append((run.digest(model), history))
    assert found[0] == found[1]
    assert len(found[0][1]["loss"]) == run.EPOCHS - 1


@pytest.mark.slow
def test_numbers_may_be_of_numpy(tmp_path):
    class Score(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = np.float32(0.5)

    backup = zoo.Backup(tmp_path, seconds=0)
    run.make_model().fit(
        run.rows(),
        batch_size=np.int64(run.BATCH_SIZE),
        epochs=np.int32(2),
        seed=np.uint8(3),
        verbose=0,
        callbacks=[Score()],
        backup=backup,
    )
    _, state, _ = backup_files.newest(tmp_path)
    assert state["epoch"] == 2


@pytest.mark.slow
def test_a_state_that_cannot_be_written_is_reported(tmp_path, caplog):
    class Odd(keras.callbacks.Callback):
        def backup_state(self):
            return {"lock": threading.Lock()}

    backup = zoo.Backup(tmp_path, seconds=0)
    with caplog.at_level("WARNING"):
        run.fit(run.make_model(), backup, [Odd()])
    assert "No backup was written, the run goes on without" in caplog.text
    assert backup.last is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "nan in step 4 of epoch 2, on example "),
        (1e19, "Weights must be numbers.*, after the last step"),
    ],
)
def test_bad_weights_name_the_last_good_backup(tmp_path, value, message):
    found = []
    for directory, steps in (("whole", [8]), ("run", [6, 3])):
        for step in steps:
            model = run.make_model()
            backup = zoo.Backup(tmp_path / directory, seconds=0)
            guard = LossGuard(lambda backup=backup: backup.last)

            def spoil_weights(model=model):
                weight = model.trainable_variables[0]
                weight.assign(np.full_like(weight.numpy(), value))

            is_last = step == steps[-1]
            act = spoil_weights if is_last else fall
            error = DivergenceError if is_last else Fall
            with pytest.raises(error) as raised:
                run.fit(model, backup, [guard, run.After(step, act)])
        found.append(str(raised.value).replace(str(tmp_path / directory), ""))
        path, state, _ = backup_files.newest(tmp_path / directory)
        assert str(path) in str(raised.value)
        # The weights after step 8, the third of the second epoch, are bad.
        assert (state["epoch"], state["step"]) == (1, 2)
    assert re.search(message, found[0])
    assert found[0] == found[1]


@pytest.mark.slow
def test_sigterm_at_the_end_stops_too(tmp_path, whole):
    class Last(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == run.EPOCHS - 1:
                self.model.stop_training = True
                signal.raise_signal(signal.SIGTERM)

    backup = zoo.Backup(tmp_path, seconds=1e6)
    with pytest.raises(StoppedError, match="at the end of training, with a"):
        run.fit(run.make_model(), backup, [Last()])
    model = run.make_model(seed=9)
    history = run.fit(model, zoo.Backup(tmp_path), [Last()])
    assert (run.digest(model), history) == whole


@pytest.mark.slow
def test_may_be_stopped_again_and_again(tmp_path, whole):
    for _ in range(3):
        stopped(tmp_path, 4)
    model = run.make_model(seed=9)
    history = run.fit(model, zoo.Backup(tmp_path), [run.After(0, fall)])
    assert (run.digest(model), history) == whole


@pytest.mark.slow
def test_what_is_done_is_not_done_again(tmp_path, whole):
    run.fit(run.make_model(), zoo.Backup(tmp_path), [run.After(0, fall)])
    model = run.make_model(seed=9)
    # No step is made in which it would fall.
    history = run.fit(model, zoo.Backup(tmp_path), [run.After(1, fall)])
    assert (run.digest(model), history) == whole


@pytest.mark.slow
def test_a_damaged_backup_costs_a_step_only(tmp_path, whole):
    backup = stopped(tmp_path, 7)
    (backup.last / "arrays.safetensors").write_bytes(b"")
    model = run.make_model(seed=9)
    history = run.fit(model, zoo.Backup(tmp_path), [run.After(0, fall)])
    assert (run.digest(model), history) == whole


@pytest.mark.slow
def test_sigterm_stops_after_the_step(tmp_path, whole):
    handler = signal.getsignal(signal.SIGTERM)
    backup = zoo.Backup(tmp_path, seconds=1e6)
    with pytest.raises(StoppedError, match="after epoch 2, step 3, with a"):
        run.fit(
            run.make_model(),
            backup,
            [run.After(8, lambda: signal.raise_signal(signal.SIGTERM))],
        )
    assert signal.getsignal(signal.SIGTERM) is handler
    model = run.make_model(seed=9)
    history = run.fit(model, zoo.Backup(tmp_path), [run.After(0, fall)])
    assert (run.digest(model), history) == whole


@pytest.mark.slow
def test_sigterm_at_an_epochs_end_names_that_epoch(tmp_path):
    def stop(epoch, logs):
        signal.raise_signal(signal.SIGTERM)

    told = keras.callbacks.LambdaCallback(on_epoch_end=stop)
    backup = zoo.Backup(tmp_path, seconds=1e6)
    with pytest.raises(StoppedError, match="Stopped after epoch 1, with a"):
        run.fit(run.make_model(run_eagerly=True), backup, [told])
    assert backup_files.newest(tmp_path)[1]["epoch"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("step", [5, 15])
def test_an_epochs_last_step_is_not_lost(tmp_path, step, whole):
    """Stopped between it and the validation."""
    told = run.After(step, lambda: signal.raise_signal(signal.SIGTERM))
    backup = zoo.Backup(tmp_path, seconds=1e6)
    with pytest.raises(StoppedError, match=f"epoch {step // 5}, step 5, with"):
        run.fit(run.make_model(), backup, [told])
    model = run.make_model(seed=9)
    history = run.fit(model, zoo.Backup(tmp_path), [run.After(0, fall)])
    assert (run.digest(model), history) == whole


def told_of(model, directory, **options):
    """Returns what is said of a run that another one's backup does not fit."""
    backup = zoo.Backup(directory, settings={"preset": "tiny"})
    with pytest.raises(InputError, match="settings: ") as raised:
        run.fit(model, backup, [run.After(0, fall)], **options)
    return str(raised.value)


def test_reports_other_settings(tmp_path):
    own = {
        "seed": "3",
        "callbacks": r"\['EarlyStopping', .*\]",
        "callbacks[0].patience": "5",
        "encoder.hidden_dim": "8",
        "tokenizer.lowercase": "True",
        "tokenizer.vocabulary_sha256": "[0-9a-f]{64}",
        "settings.preset": "tiny",
    }
    state = {
        "settings": {"format": run_settings.FORMAT, **dict.fromkeys(own, 0)},
        "epoch": 0,
        "step": 2,
        "num_batches": 2,
        "callbacks": [],
    }
    backup_files.write(tmp_path, state, {})
    told = told_of(run.make_model(), tmp_path, seed=3)
    for name, value in own.items():
        assert re.search(rf"{re.escape(name)}={value} \(the backup: 0\)", told)


def add(y_true, y_pred):
    return y_true + y_pred


@pytest.mark.parametrize(
    ("options", "differences"),
    [
        (
            {
                "steps_per_execution": 2,
                "loss_weights": [0.5],
                "metrics": [keras.metrics.SparseTopKCategoricalAccuracy()],
                "loss": "hinge",
            },
            [
                r"steps_per_execution=2 \(the backup: 1\)",
                r"loss_weights=\[0.5\] \(the backup: None\)",
                r"metrics\[0\].class_name=SparseTopKCategoricalAccuracy ",
                "loss.class_name=hinge .*Crossentropy",
            ],
        ),
        pytest.param(
            {"loss": add},
            ["loss.class_name=add .*Crossentropy"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"loss": keras.losses.CategoricalCrossentropy(from_logits=True)},
            ["loss.class_name=CategoricalCrossentropy .*Crossentropy"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {
                "loss": keras.losses.SparseCategoricalCrossentropy(
                    from_logits=True, ignore_class=1
                )
            },
            [r"loss.ignore_class=1 \(the backup: None\)"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["several", "function", "class", "option"],
)
def test_reports_what_compile_was_given(early, options, differences):
    told = told_of(run.make_model(**options), early.directory)
    for difference in differences:
        assert re.search(difference, told)


def test_reports_what_fit_was_given(early):
    told = told_of(
        run.make_model(),
        early.directory,
        class_weight={np.int64(0): 1.0, np.int64(1): np.float32(50)},
        validation_steps=2,
        validation_freq=2,
    )
    assert "class_weight.1=50.0 (the backup: None)" in told
    assert "validation_steps=2 (the backup: None)" in told
    assert "validation_freq=2 (the backup: 1)" in told


@pytest.mark.slow
def test_reports_frozen_layers(early):
    parts = run.make_model()
    for name in ("freeze_encoder", "freeze_embeddings"):
        model = zoo.TaskModel(
            parts.encoder, parts.head, parts.tokenizer, **{name: True}
        )
        model.compile(learning_rate=1e-2)
        told = told_of(model, early.directory)
        assert f"{name}=True (the backup: False)" in told


@pytest.mark.slow
def test_what_a_run_does_not_depend_on_may_be_another(tmp_path, whole):
    stopped(tmp_path, 7)
    model = run.make_model(seed=9, run_eagerly=True)
    model.fit(
        run.rows(),
        batch_size=np.int64(run.BATCH_SIZE),
        epochs=run.EPOCHS,
        validation_data=run.rows(),
        validation_freq=1,
        class_weight=None,
        verbose=2,
        callbacks=[
            keras.callbacks.EarlyStopping(
                "val_loss", patience=5, restore_best_weights=True
            ),
            run.After(0, fall),
        ],
        backup=zoo.Backup(tmp_path, seconds=7),
    )
    for name, losses in whole[1].items():
        found = model.history.history[name]
        np.testing.assert_allclose(found, losses, rtol=1e-5)


@pytest.mark.slow
def test_reports_an_older_version(tmp_path):
    state = {
        "settings": {"seed": 0},
        "epoch": 0,
        "step": 2,
        "num_batches": 2,
        "callbacks": [],
    }
    backup_files.write(tmp_path, state, {})
    with pytest.raises(InputError, match=r"\(format 1, here 4\). End the run"):
        run.fit(run.make_model(), zoo.Backup(tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "name"),
    [("x", "training_examples"), ("validation_data", "validation_examples")],
)
def test_reports_other_examples(tmp_path, changed, name):
    stopped(tmp_path, 2)
    columns = [row.values for row in run.rows()]
    columns[3]["label"] = "yn"[columns[3]["label"] == "y"]
    own = {"x": run.rows(), "validation_data": run.rows(), changed: columns}
    best = keras.callbacks.EarlyStopping(
        "val_loss", patience=5, restore_best_weights=True
    )
    with pytest.raises(InputError, match=f"settings: {name}="):
        run.make_model().fit(
            batch_size=run.BATCH_SIZE,
            epochs=run.EPOCHS,
            backup=zoo.Backup(tmp_path),
            callbacks=[best, run.After(0, fall)],
            verbose=0,
            **own,
        )


def spoil(directory):
    """Leaves no place for backups, as a full disk does."""
    directory.rmdir()
    directory.write_text("")


def test_reports_at_once_that_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file/run, where that fails: "):
        run.fit(run.make_model(), zoo.Backup(tmp_path / "file" / "run"))
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


@pytest.mark.slow
def test_does_not_promise_what_was_not_written(tmp_path):
    backup = zoo.Backup(tmp_path / "run", seconds=1e6)
    told = [
        run.After(1, lambda: spoil(tmp_path / "run")),
        run.After(3, lambda: signal.raise_signal(signal.SIGTERM)),
    ]
    with pytest.raises(StoppedError, match="without a backup. The last is N"):
        run.fit(run.make_model(), backup, told)


@pytest.mark.slow
def test_reports_another_model(tmp_path):
    stopped(tmp_path, 2)
    model = run.make_model()
    # No setting of the run tells this.
    model.encoder.get_layer("embeddings").trainable = False
    model.compile(learning_rate=1e-2)
    with pytest.raises(InputError, match="a model with other weights"):
        run.fit(model, zoo.Backup(tmp_path), [run.After(0, fall)])


@pytest.mark.slow
def test_a_call_that_fails_leaves_no_trace(tmp_path):
    stopped(tmp_path, 2)
    model = run.make_model()
    backup = zoo.Backup(tmp_path)
    with pytest.raises(TypeError, match="nonsense"):
        run.fit(model, backup, [run.After(0, fall)], nonsense=1)
    history = run.fit(model, zoo.Backup(tmp_path), [run.After(0, fall)])
    assert len(history["loss"]) == run.EPOCHS


def test_needs_data_that_can_be_resumed(tmp_path):
    model = run.make_model()
    arrays = {name: np.ones((2, 3), "int32") for name in model.input}
    with pytest.raises(InputError, match="known length. Received: dict"):
        model.fit(arrays, np.zeros(2), backup=zoo.Backup(tmp_path))


@pytest.mark.slow
def test_ready_data_can_be_resumed(tmp_path):
    def data():
        numbers = np.random.default_rng(0).integers(0, 5, (12, 4))
        dataset = tf.data.Dataset.from_tensor_slices(
            (
                {
                    "token_ids": numbers,
                    "segment_ids": 0 * numbers,
                    "padding_mask": 0 * numbers + 1,
                },
                numbers[:, 0] % 2,
            )
        )
        return dataset.shuffle(12, seed=3).batch(5)

    results = []
    for steps in ([0], [4, 0]):
        for step in steps:
            model = run.make_model()
            backup = zoo.Backup(tmp_path / str(len(results)), seconds=0)
            try:
                model.fit(
                    data(),
                    epochs=2,
                    verbose=0,
                    callbacks=[run.After(step, fall)],
                    backup=backup,
                )
            except Fall:
                continue
            results.append(run.digest(model))
    assert results[0] == results[1]


@pytest.mark.slow
def test_a_full_disk_does_not_end_the_run(tmp_path, caplog):
    path = tmp_path / "run"
    with caplog.at_level("WARNING"):
        run.fit(
            run.make_model(),
            zoo.Backup(path),
            [run.After(1, lambda: spoil(path))],
        )
    assert "No backup was written, the run goes on without" in caplog.text


def test_a_directory_that_another_run_uses_is_refused(early):
    assert "another run" in early.refusal


def test_settings_that_are_no_json_are_refused(tmp_path):
    with pytest.raises(InputError, match="`settings` must be text, numbers"):
        zoo.Backup(tmp_path, settings={"preset": tmp_path})


def test_negative_seconds_are_refused(tmp_path):
    with pytest.raises(InputError, match="Received: seconds=-1"):
        zoo.Backup(tmp_path, seconds=-1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_a_process_resumes_bit_for_bit(tmp_path, name):
    (whole,) = programs.run(PROGRAM, str(tmp_path / "whole"))
    for step in ("3", "6"):
        with pytest.raises(AssertionError):
            programs.run(PROGRAM, str(tmp_path / "run"), step, name)
    (found,) = programs.run(PROGRAM, str(tmp_path / "run"))
    assert found == whole


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run_program", "step"),
    [
        (programs.run, "3"),
        (programs.run, "5"),
        (programs.run, "12"),
        (programs.run_on_tpu_cores, "6"),
    ],
)
def test_two_replicas_resume(tmp_path, run_program, step):
    place = "replicas"
    (whole,) = run_program(
        PROGRAM, str(tmp_path / "whole"), "0", "SIGKILL", place
    )
    with pytest.raises(AssertionError):
        run_program(PROGRAM, str(tmp_path / "run"), step, "SIGKILL", place)
    (found,) = run_program(
        PROGRAM, str(tmp_path / "run"), "0", "SIGKILL", place
    )
    assert found["weights"] == whole["weights"]
    # Sums over replicas are kept, which may round otherwise.
    for name, values in whole["history"].items():
        np.testing.assert_allclose(found["history"][name], values, rtol=1e-6)


@pytest.mark.slow
def test_all_workers_hear_what_is_wrong(tmp_path):
    (tmp_path / "backup-00000001").mkdir()
    for process in programs.start_two_workers(PROGRAM, str(tmp_path)):
        _, errors = process.communicate(timeout=programs.SECONDS)
        assert process.returncode == 1
        assert "all of them are damaged" in errors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "worker", "is_damaged"),
    [
        ("SIGKILL", "0", False),
        ("SIGKILL", "1", True),
        ("SIGTERM", "1", False),
    ],
)
def test_workers_resume(tmp_path, name, worker, is_damaged):
    whole = programs.run_two_workers(PROGRAM, str(tmp_path / "whole"))
    killed = programs.start_two_workers(
        PROGRAM, str(tmp_path / "run"), "7", name, worker
    )
    for process in killed:
        _, errors = process.communicate(timeout=programs.SECONDS)
        assert process.returncode != 0
        # Whoever is told, all stop after the same step.
        if name == "SIGTERM":
            assert "Stopped after epoch 2, step 2, with" in errors
    if is_damaged:
        *_, newest = sorted((tmp_path / "run").glob("backup-*"))
        (newest / "arrays.safetensors").write_bytes(b"")
    found = programs.run_two_workers(PROGRAM, str(tmp_path / "run"))
    assert found == whole
    assert found[0] == found[1]
