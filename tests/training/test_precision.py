import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training import precision
from keras_bert_zoo.training.precision import choose_precision


@pytest.fixture
def machine(monkeypatch):
    """Pretends to be a machine with these features."""
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)

    def pretend(cpu_info="", capability=None):
        class CpuInfo:
            is_file = staticmethod(lambda: True)
            read_text = staticmethod(lambda: cpu_info)

        monkeypatch.setattr(precision, "_CPU_INFO", CpuInfo)
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

    return pretend


@pytest.mark.parametrize("name", precision.PRECISIONS)
def test_a_named_precision_is_kept(name, machine):
    machine("flags : amx_bf16")
    assert choose_precision(name) == (name, "")


@pytest.mark.parametrize(
    ("cpu_info", "expected"),
    [
        ("model name : x\nflags : fpu avx2 avx512_bf16\n", "mixed_bfloat16"),
        ("flags\t\t: fpu amx_bf16\n", "mixed_bfloat16"),
        ("flags : fpu avx2\n", "float32"),
        ("", "float32"),
    ],
)
def test_auto_follows_the_instructions(machine, cpu_info, expected):
    machine(cpu_info)
    policy, reason = choose_precision("auto")
    assert policy == expected
    assert reason


def test_bfloat16_needs_onednn_on_a_processor(machine, monkeypatch):
    machine("flags : amx_bf16")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert choose_precision("auto").policy == "float32"


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((9, 0), "mixed_bfloat16"),
        ((8, 0), "mixed_bfloat16"),
        ((7, 5), "mixed_float16"),
        ((6, 1), "float32"),
    ],
)
def test_auto_follows_the_gpu(machine, capability, expected):
    machine("flags : amx_bf16", capability)
    assert choose_precision("auto").policy == expected


def test_an_unknown_precision_lists_the_known():
    with pytest.raises(InputError, match="float32, mixed_bf.*, auto.*'half'"):
        choose_precision("half")
