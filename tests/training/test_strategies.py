"""Two replicas train as one device does with the same batches."""

import json
import pathlib

import keras
import programs
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training.model import ReplicatedModel

COMPARE = pathlib.Path(__file__).with_name("compare_strategies.py")
RATES = pathlib.Path(__file__).with_name("rates_under_strategy.py")
PROBE = pathlib.Path(__file__).with_name("probe_strategies.py")
WORKERS = pathlib.Path(__file__).with_name("probe_workers.py")
SENT = pathlib.Path(__file__).with_name("send_to_workers.py")
TOLERANCE = 2e-5

PLAIN = {"optimizer": "sgd", "options": {}}
# All at once; the slow cases tell them apart.
UPDATES = {
    "optimizer": "adamw",
    "options": {
        "gradient_accumulation_steps": 2,
        "global_clipnorm": 0.1,
        "ema_momentum": 0.99,
    },
    "scaled": True,
}
LOADED = {**UPDATES, "steps_per_execution": 3}
BY_BATCH = {**LOADED, "by_batch": True}
# Layers of the model, each from another step on.
LAYERED = {
    "layer_rates": [("embedding", 0.25, 4), ("hidden", 0.5, 2)],
    "gradient_accumulation_steps": 2,
    "global_clipnorm": 0.1,
}
CASES = {
    "sgd": PLAIN,
    "adamw": {"optimizer": "adamw", "options": {}},
    "keras lamb": {"optimizer": "keras lamb", "options": {}},
    "lamb": {"optimizer": "lamb", "options": {}},
    "layered adamw": {"optimizer": "adamw", "options": LAYERED},
    "layered lamb": {"optimizer": "lamb", "options": LAYERED},
    "several optimizers": {
        "optimizer": "several",
        "options": {},
    },
    "clipnorm": {"optimizer": "sgd", "options": {"clipnorm": 0.02}},
    "clipvalue": {"optimizer": "sgd", "options": {"clipvalue": 0.001}},
    "adamw clipvalue": {"optimizer": "adamw", "options": {"clipvalue": 0.001}},
    "global_clipnorm": {
        "optimizer": "sgd",
        "options": {"global_clipnorm": 0.05},
    },
    "accumulation": {
        "optimizer": "adamw",
        "options": {"gradient_accumulation_steps": 3},
    },
    "ema": {
        "optimizer": "sgd",
        "options": {"use_ema": True},
    },
    "several steps": {**PLAIN, "steps_per_execution": 3},
    "several steps, one left": {**PLAIN, "steps_per_execution": 2},
    "scaled": {**PLAIN, "scaled": True},
    "scaled and clipped": {
        "optimizer": "sgd",
        "options": {"global_clipnorm": 0.05},
        "scaled": True,
    },
    "xla": {"optimizer": "lamb", "options": {}, "jit_compile": True},
}


def check(found, numbers=("keras", "replicas")):
    for differences in found:
        assert differences["changed"] > 1e-3
        assert all(differences[name] <= TOLERANCE for name in numbers)
        assert abs(differences["parts"]) <= TOLERANCE
        assert differences["spread"] == 0


@pytest.mark.parametrize(
    ("run", "cases"),
    [
        (programs.run, [UPDATES]),
        pytest.param(programs.run, [LOADED, BY_BATCH], marks=pytest.mark.slow),
        pytest.param(
            programs.run_on_tpu_cores,
            [LOADED, BY_BATCH],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["cpus", "cpus in several ways", "tpu cores"],
)
def test_two_replicas_are_one_device(run, cases):
    found = run(COMPARE, json.dumps(cases))
    assert len(found) == len(cases)
    check(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "run", [programs.run, programs.run_on_tpu_cores], ids=["cpus", "tpu cores"]
)
@pytest.mark.parametrize("name", CASES)
def test_each_option_alone(name, run):
    check(run(COMPARE, json.dumps([CASES[name]])))


# Two replicas compute the same, in one process.
@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [PLAIN, LOADED, BY_BATCH, *CASES.values()],
    ids=["plain", "loaded", "by batch", *CASES],
)
def test_two_workers_are_one_device(case):
    for found in programs.run_two_workers(COMPARE, json.dumps([case])):
        assert len(found) == 1
        check(found, ["replicas"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "strategy"),
    [
        (lambda path: programs.run(path)[0], "MirroredStrategy"),
        (lambda path: programs.run_on_tpu_cores(path)[0], "TPUStrategyV2"),
        (
            lambda path: programs.run_two_workers(path)[1][0],
            "CollectiveAllReduceStrategy",
        ),
    ],
    ids=["cpus", "tpu cores", "workers"],
)
def test_replicas_draw_and_skip_together(run, strategy):
    found = run(PROBE)
    # Kept by both, by one, by none.
    assert found["masks"] == 3
    assert found["infinity"] == {"unchanged": True, "scale": 2.0**15}
    assert found["overflow"] == {"unchanged": True, "scale": 2.0**14}
    assert found["steps"] == 2 * 5
    one, two = found["watched"]
    assert one[:2] == two[:2] == [13, 20]
    assert one[2] > 1  # Far above what it is clipped to.
    assert two[2] == pytest.approx(one[2], rel=1e-5)
    assert found["data"] == {"fit": 0, "evaluate": 0, "predict": 0}
    made_there, made_here, plain_optimizer, accumulated = found["refusals"]
    assert f"under a {strategy}, compiled under none" in made_there
    assert f"under none, compiled under a {strategy}" in made_here
    assert "an optimizer made under another one or none" in plain_optimizer
    assert f"a model made under a {strategy}" in plain_optimizer
    assert "SGD with gradient_accumulation_steps" in accumulated


@pytest.mark.slow
def test_the_rate_is_that_of_the_latest_batch():
    """Of five, with one and with three of them an update."""
    on_one_device_and_two = programs.run(RATES)
    assert on_one_device_and_two == 2 * [
        [5, pytest.approx(1 / 5)],
        [1, pytest.approx(1 / 2)],
        [5, pytest.approx(1 / 5)],
        [5, 0.25],
    ]


@pytest.mark.parametrize(
    "kind",
    [
        tf.distribute.ParameterServerStrategy,
        tf.distribute.experimental.ParameterServerStrategy,
    ],
)
def test_parameter_servers_are_refused(kind, monkeypatch):
    monkeypatch.setattr(
        tf.distribute, "get_strategy", lambda: object.__new__(kind)
    )
    with pytest.raises(InputError, match="workers do not wait"):
        make_model()


@pytest.mark.slow
def test_a_real_parameter_server_is_refused():
    program = pathlib.Path(__file__).with_name("parameter_servers.py")
    (told,) = programs.run(program)
    assert "Received: a ParameterServerStrategyV2, whose workers" in told


def test_keras_own_distribution_is_refused():
    devices = keras.distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices)
    )
    try:
        with pytest.raises(InputError, match="distributes nothing"):
            make_model()
    finally:
        keras.distribution.set_distribution(None)


@pytest.mark.slow
def test_a_worker_without_others_is_the_chief():
    """Without a configuration, and with one that names no others."""
    found = programs.run(WORKERS)
    expected = {"chief": True, "state": {"step": 3}, "flags": [True, False]}
    assert found == 2 * [expected]


@pytest.mark.slow
def test_workers_receive_numbers_of_all_kinds():
    for (found,) in programs.run_two_workers(SENT):
        assert found.pop("bool") == [0, 1, 1]
        assert sorted(found) == [
            "bfloat16",
            "float16",
            "float32",
            "int64",
            "uint32",
        ]
        assert all(values == [0, 1, 3] for values in found.values())


def test_one_device_has_no_scope():
    with distribution.scope_of("one"):
        assert not tf.distribute.has_strategy()


def test_strategies_have_names(monkeypatch):
    for name, kind in (
        ("mirrored", "MirroredStrategy"),
        ("workers", "MultiWorkerMirroredStrategy"),
    ):
        config = {"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}
        monkeypatch.setenv("TF_CONFIG", json.dumps(config))
        made = type(kind, (), {"scope": lambda self, name=name: name})
        monkeypatch.setattr(tf.distribute, kind, made)
        assert distribution.scope_of(name) == name


def test_an_unknown_strategy_is_refused():
    with pytest.raises(InputError, match="one of one, mirrored.*'all'"):
        distribution.scope_of("all")


def test_a_machine_without_a_tpu_is_told(monkeypatch):
    def connect():
        raise ValueError("Please provide a TPU Name to connect to.")

    resolver = tf.distribute.cluster_resolver.TPUClusterResolver
    monkeypatch.setattr(resolver, "connect", connect)
    with pytest.raises(InputError, match="none that answers .*TPU Name"):
        distribution.scope_of("tpu")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "Received: none. Set it"),
        ("x", "JSON with cluster and task. Received: 'x'"),
        ("[" * 9999, "JSON with cluster and task."),
        ("{}", "JSON with cluster and task. Received: '{}'"),
        ('{"cluster": {"worker": ["a:1"]}}', "JSON with cluster and task."),
        (
            '{"cluster": {"worker": ["a:1"]}, "task": {"type": "other"}}',
            "which TensorFlow cannot use: ",
        ),
    ],
)
def test_workers_need_each_others_names(config, message, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(InputError, match="by the variable TF_CONFIG") as found:
        distribution.scope_of("workers")
    assert message in str(found.value)


def make_model():
    inputs = keras.Input((2,))
    model = ReplicatedModel(inputs, inputs)
    model.compile("sgd", loss="mse")
