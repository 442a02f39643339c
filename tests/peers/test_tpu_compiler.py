"""The training step of every head passes the compiler that TPUs have.

It is part of libtpu and needs no TPU. `KBZ_PEERS_PYTHON` names an interpreter
that has it, `.venv-peers/bin/python` by default.
"""

import pathlib
import subprocess

import every_head
import pytest

from benchmarks import harness
from benchmarks import tpu_memory
from keras_bert_zoo.testing.tpu_readiness import training_steps
from keras_bert_zoo.training.recipe import OptimizerRecipe

BATCH_SIZE = 4


def has_compiler():
    if not pathlib.Path(harness.peers_python()).exists():
        return False
    done = subprocess.run([harness.peers_python(), "-c", "import libtpu"])
    return done.returncode == 0


pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(
        not has_compiler(),
        reason="no interpreter with libtpu (KBZ_PEERS_PYTHON)",
    ),
]


def check(model):
    """Compiles the step of each width, one after the other."""
    for _, step, types in training_steps(model, BATCH_SIZE):
        program = step.experimental_get_compiler_ir(*types)(stage="stablehlo")
        found = tpu_memory.compiled(program, "v5e")
        weights = sum(4 * one.count_params() for one in model.layers)
        # Trained with two moments, of all but the seeds and frozen ones.
        assert found["arguments"] > 2 * weights
        assert found["temporaries"] > 0


@pytest.mark.parametrize("name", every_head.HEADS)
def test_every_head_compiles(name):
    check(every_head.make_model(every_head.HEADS[name][0]()))


@pytest.mark.parametrize(
    ("dtype", "optimizer"),
    [
        ("mixed_bfloat16", "adamw"),
        ("mixed_float16", "adamw"),
        (
            "mixed_bfloat16",
            OptimizerRecipe(
                "lamb",
                "cosine",
                learning_rate=0.01,
                layer_decay=0.8,
                unfreeze_every=2,
                gradient_accumulation_steps=2,
                global_clipnorm=1.0,
                use_ema=True,
            ),
        ),
    ],
    ids=["bfloat16", "float16", "recipe"],
)
def test_precisions_and_recipes_compile(dtype, optimizer):
    head = every_head.HEADS["single label"][0]()
    model = every_head.make_model(head, dtype=dtype)
    if isinstance(optimizer, OptimizerRecipe):
        model.compile(optimizer)
    check(model)
