"""Which types the matrix products of a training step read."""

import collections
import re

import every_head
import pytest

from keras_bert_zoo.testing.tpu_readiness import training_steps

pytestmark = pytest.mark.slow

PRODUCT = re.compile(
    r"stablehlo\.dot(?:_general)? .* : "
    r"\(tensor<(?:\d+x)*(\w+)>, tensor<(?:\d+x)*(\w+)>\)"
)
# Of one layer: queries, keys and values in one, scores, weighted values,
# output, and two of the feed-forward part.
OF_LAYER = 6
POOLED = ("single label", "pair", "several tasks")
NUM_LOGITS = {"several tasks": 2, "masked LM": 0}


@pytest.mark.parametrize(
    ("name", "dtype", "half"),
    [
        *((name, "mixed_bfloat16", "bf16") for name in every_head.HEADS),
        ("single label", "mixed_float16", "f16"),
    ],
)
def test_all_products_but_the_logits_are_of_half_precision(name, dtype, half):
    head = every_head.HEADS[name][0]()
    model = every_head.make_model(head, dtype=dtype)
    _, step, types = next(training_steps(model, 4))
    program = step.experimental_get_compiler_ir(*types)(stage="stablehlo")
    found = collections.Counter(PRODUCT.findall(program))
    assert found.total() == program.count("stablehlo.dot")
    forward = OF_LAYER + (name in POOLED)
    if name == "masked LM":
        forward += 2  # The transformation, and the vocabulary's scores.
    # Each has two more in the backward pass.
    expected = collections.Counter({(half, half): 3 * forward})
    expected["f32", "f32"] = 3 * NUM_LOGITS.get(name, 1)
    assert +found == +expected
