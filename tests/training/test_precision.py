import json
import os

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import precision
from keras_bert_zoo.training import precision_trial
from keras_bert_zoo.training.precision import choose_precision

FAST = {
    "float32": 2.0,
    "mixed_bfloat16": 1.0,
    "mixed_float16": 0.97,
}


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Keeps the file of measured times apart from the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "keras_bert_zoo" / "precision.json"


@pytest.fixture
def machine(monkeypatch):
    """Pretends to be a machine with these features and times.

    Returns the list of measurements that were asked for.
    """
    asked = []

    def pretend(cpu_info="", capability=None, seconds=FAST):
        class CpuInfo:
            is_file = staticmethod(lambda: True)
            read_text = staticmethod(lambda: cpu_info)

        def measure(policies):
            asked.append(policies)
            return {name: seconds[name] for name in policies if name in seconds}

        monkeypatch.setattr(precision, "_CPU_INFO", CpuInfo)
        monkeypatch.setattr(precision, "step_seconds", measure)
        monkeypatch.setattr(
            tf.config,
            "list_physical_devices",
            lambda kind: ["gpu"] if capability else [],
        )
        monkeypatch.setattr(
            tf.config.experimental,
            "get_device_details",
            lambda device: {"compute_capability": capability},
        )
        return asked

    return pretend


@pytest.mark.parametrize("name", precision.PRECISIONS)
def test_a_named_precision_is_kept(name, machine):
    asked = machine("flags : amx_bf16")
    assert choose_precision(name) == (name, "")
    assert not asked


@pytest.mark.parametrize(
    ("cpu_info", "tried"),
    [
        ("model name : x\nflags : fpu avx2 avx512_bf16\n", 2),
        ("flags\t\t: fpu amx_bf16\n", 2),
        ("Features : fp asimd bf16\n", 2),
        ("flags : fpu avx2\n", 0),
        ("", 0),
    ],
)
def test_what_the_processor_has_not_is_not_tried(machine, cpu_info, tried):
    asked = machine(cpu_info)
    found = choose_precision("auto")
    assert found.policy == ("mixed_bfloat16" if tried else "float32")
    assert [len(policies) for policies in asked] == ([tried] if tried else [])


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((9, 0), "mixed_bfloat16"),  # float16 is faster, but by little
        ((8, 0), "mixed_bfloat16"),
        ((7, 5), "mixed_float16"),
        ((6, 1), "float32"),
    ],
)
def test_auto_follows_the_gpu(machine, capability, expected):
    machine(capability=capability)
    assert choose_precision("auto").policy == expected


@pytest.mark.parametrize(
    "seconds",
    [
        {"float32": 1.0, "mixed_bfloat16": 1.2},
        {"float32": 1.0, "mixed_bfloat16": 0.99},
        {"float32": 1.0},  # the other computes badly
    ],
)
def test_what_is_not_faster_is_not_taken(machine, seconds):
    machine("flags : amx_bf16", seconds=seconds)
    assert choose_precision("auto").policy == "float32"


def test_is_measured_once(machine, cache):
    asked = machine("flags : amx_bf16")
    first, second = choose_precision("auto"), choose_precision("auto")
    assert len(asked) == 1
    assert first.policy == second.policy == "mixed_bfloat16"
    assert "mixed_bfloat16 1000 ms a step, measured now" in first.reason
    assert f"measured before ({cache})" in second.reason


def test_another_machine_is_measured_anew(machine):
    machine("model name : one\nflags : amx_bf16")
    choose_precision("auto")
    asked = machine(
        "model name : two\nflags : amx_bf16",
        seconds={"float32": 1.0, "mixed_bfloat16": 2.0},
    )
    asked.clear()
    assert choose_precision("auto").policy == "float32"
    machine("model name : one\nflags : amx_bf16")
    assert choose_precision("auto").policy == "mixed_bfloat16"
    assert len(asked) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: b"{",
        lambda kept: b"[]",
        lambda kept: b"\xff",
        lambda kept: b"[" * 200_000,
        lambda kept: b" " * 2**21,
        lambda kept: json.dumps(
            dict.fromkeys(kept, {"float32": float("inf")})
        ).encode(),
        lambda kept: json.dumps(dict.fromkeys(kept, 3)).encode(),
        lambda kept: json.dumps(
            dict.fromkeys(kept, {"float32": "fast"})
        ).encode(),
        lambda kept: json.dumps(dict.fromkeys(kept, {"int8": 1.0})).encode(),
    ],
)
def test_a_damaged_file_is_measured_anew(machine, cache, damage):
    asked = machine("flags : amx_bf16")
    choose_precision("auto")
    whole = cache.read_bytes()
    cache.write_bytes(damage(json.loads(whole)))
    assert choose_precision("auto").policy == "mixed_bfloat16"
    assert len(asked) == 2
    assert cache.read_bytes() == whole


def test_a_pipe_is_not_waited_for(machine, cache):
    cache.parent.mkdir()
    os.mkfifo(cache)
    machine("flags : amx_bf16")
    assert choose_precision("auto").policy == "mixed_bfloat16"


def test_a_file_that_cannot_be_written_is_no_matter(machine, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    machine("flags : amx_bf16")
    assert choose_precision("auto").policy == "mixed_bfloat16"


def test_an_unknown_precision_lists_the_known():
    with pytest.raises(InputError, match="float32, mixed_bfloat16.*'int8'"):
        choose_precision("int8")


@pytest.fixture
def small_trial(monkeypatch):
    sizes = {"num_heads": 2, "hidden_dim": 16, "intermediate_dim": 32}
    monkeypatch.setattr(
        precision_trial, "_SIZES", {**precision_trial._SIZES, **sizes}
    )


def test_the_trial_measures_each_policy(small_trial):
    found = precision_trial.step_seconds(["float32", "mixed_float16"])
    assert sorted(found) == ["float32", "mixed_float16"]
    assert all(0 < seconds < 100 for seconds in found.values())


def test_the_trial_leaves_out_what_computes_badly(small_trial, monkeypatch):
    class Overflowing(precision_trial.BertEncoder):
        def call(self, inputs, **kwargs):
            found = super().call(inputs, **kwargs)
            if self.dtype_policy.name == "mixed_float16":
                pooled = found["pooled_output"] * np.float16(np.inf)
                return {**found, "pooled_output": pooled}
            return found

    monkeypatch.setattr(precision_trial, "BertEncoder", Overflowing)
    found = precision_trial.step_seconds(["float32", "mixed_float16"])
    assert sorted(found) == ["float32"]
    assert keras.config.dtype_policy().name == "float32"
