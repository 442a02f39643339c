"""The memory that docs/scaling.md gives is that of real variables."""

import pathlib

import pytest

from keras_bert_zoo import testing
from keras_bert_zoo.presets import preset_info
from keras_bert_zoo.training.optimizers.layerwise import AdamW

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "scaling.md"
MODELS = (
    "minilm_l6_en_uncased",
    "bert_base_en_uncased",
    "bert_base_multi_cased",
)
SHAPES = ((32, 128), (32, 512), (128, 128))
# Weights, gradients and two moments, four bytes each.
BYTES = 16


def activation_bytes(config, batch, length, is_half):
    per_token = 34 * config["hidden_dim"] + 5 * config["num_heads"] * length
    size = batch * length * config["num_layers"] * per_token
    return size if is_half else 2 * size


def table():
    shapes = [f"{batch} × {length}" for batch, length in SHAPES]
    lines = [
        f"| model | parameters | fixed | {' | '.join(shapes)} |",
        "| --- |" + " ---: |" * (2 + len(SHAPES)),
    ]
    for name in MODELS:
        info = preset_info(name)
        fixed = BYTES * info.num_parameters
        cells = []
        for batch, length in SHAPES:
            totals = [
                fixed + activation_bytes(info.config, batch, length, is_half)
                for is_half in (False, True)
            ]
            cells.append(" / ".join(f"{total / 1e9:.1f}" for total in totals))
        count = f"{info.num_parameters / 1e6:.1f} M"
        lines.append(
            f"| `{name}` | {count} | {fixed / 1e9:.2f} | {' | '.join(cells)} |"
        )
    return "\n".join(lines)


def test_the_page_has_the_table():
    assert table() in PAGE.read_text("utf-8")


@pytest.mark.parametrize("frozen", [False, True])
def test_variables_have_the_size(frozen):
    encoder = testing.tiny_encoder(50)
    embeddings = [one for one in encoder.layers if "embedding" in one.name]
    for layer in embeddings:
        layer.trainable = not frozen
    optimizer = AdamW()
    optimizer.build(encoder.trainable_variables)
    weights = sum(
        4 * variable.value.shape.num_elements() for variable in encoder.weights
    )
    gradients = sum(
        4 * variable.value.shape.num_elements()
        for variable in encoder.trainable_variables
    )
    moments = sum(
        4 * variable.value.shape.num_elements()
        for variable in optimizer.variables
        if variable.ndim
    )
    saved = sum(12 * layer.count_params() for layer in embeddings) * frozen
    expected = BYTES * encoder.count_params() - saved
    assert weights + gradients + moments == expected
    assert embeddings
