"""The training step of every head passes the compilers of TPUs and GPUs.

They are part of libtpu and of jax-cuda12-pjrt, and need neither TPU nor GPU.
`KBZ_PEERS_PYTHON` names an interpreter that has both, `.venv-peers/bin/python`
by default.
"""

import pathlib
import subprocess

import every_head
import pytest

from benchmarks import chip_memory
from benchmarks import harness
from keras_bert_zoo.testing.tpu_readiness import training_steps
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe

BATCH_SIZE = 4
CHIPS = ("v5e", "h200")
LOADED = OptimizerRecipe(
    optimizer="lamb",
    schedule="cosine",
    learning_rate=0.01,
    layer_decay=0.8,
    unfreeze_every=2,
    gradient_accumulation_steps=2,
    global_clipnorm=1.0,
    ema_momentum=0.99,
)


pytestmark = pytest.mark.peers


@pytest.fixture(scope="module", autouse=True)
def compiler():
    python = pathlib.Path(harness.peers_python())
    if python.exists():
        code = "import libtpu, jax_plugins.xla_cuda12"
        found = subprocess.run([python, "-c", code], check=False)
        if found.returncode == 0:
            return
    pytest.skip("no interpreter with the compilers (KBZ_PEERS_PYTHON)")


def check(model, chip):
    """Compiles the step of each width, one after the other."""
    for _, step, types in training_steps(model, BATCH_SIZE):
        found = chip_memory.compiled(step, types, chip)
        weights = sum(4 * one.count_params() for one in model.layers)
        # Trained with two moments, of all but the seeds and frozen ones.
        assert found["arguments"] > 2 * weights
        assert found["temporaries"] > 0


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("name", every_head.HEADS)
def test_every_head_compiles(name, chip):
    check(every_head.make_model(every_head.HEADS[name][0]()), chip)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize(
    ("dtype", "optimizer"),
    [
        ("mixed_bfloat16", OptimizerRecipe()),
        ("mixed_float16", OptimizerRecipe()),
        ("mixed_bfloat16", LOADED),
    ],
    ids=["bfloat16", "float16", "loaded"],
)
def test_precisions_and_recipes_compile(dtype, optimizer, chip):
    head = every_head.HEADS["single label"][0]()
    model = every_head.make_model(head, dtype=dtype)
    model.compile(optimizer)
    check(model, chip)
