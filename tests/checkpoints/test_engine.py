"""Every variable is mapped, repeated or ignored, and every one filled."""

import dataclasses

import numpy as np
import pytest

from keras_bert_zoo.checkpoints import engine
from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.rules import HEADS_FIRST
from keras_bert_zoo.checkpoints.rules import HEADS_LAST
from keras_bert_zoo.checkpoints.rules import SAME
from keras_bert_zoo.checkpoints.rules import TRANSPOSED
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.checkpoints.rules import expand
from keras_bert_zoo.checkpoints.rules import read_rule
from keras_bert_zoo.checkpoints.shapes import count_parameters
from keras_bert_zoo.checkpoints.shapes import encoder_shapes
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.registry import encoders

CONFIG = {
    "vocabulary_size": 13,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_dim": 8,
    "intermediate_dim": 12,
    "max_sequence_length": 10,
}


def contents(arrays=None, **changes):
    """Returns a source that stores everything under our own names."""
    shapes = encoder_shapes(CONFIG)
    if arrays is None:
        arrays = {path: np.ones(shapes[path], "float32") for path in shapes}
    result = Contents(
        kind="test",
        origin="somewhere",
        config=CONFIG,
        variables=Variables(
            {name: array.shape for name, array in arrays.items()},
            arrays.__getitem__,
        ),
        rules=tuple(Rule(path, (path,)) for path in shapes),
    )
    return dataclasses.replace(result, **changes)


def arrays_with(**changes):
    shapes = encoder_shapes(CONFIG)
    arrays = {path: np.ones(shapes[path], "float32") for path in shapes}
    return {**arrays, **changes}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_pooler": False},
        {"embedding_dim": 4},
        {"share_layers": True},
        {"num_segments": 3, "max_sequence_length": 5},
    ],
    ids=str,
)
def test_shapes_are_the_encoders(make_encoder, options):
    encoder = make_encoder(**options)
    found = {weight.path: tuple(weight.shape) for weight in encoder.weights}
    assert encoder_shapes({**CONFIG, **options}) == found
    count = count_parameters({**CONFIG, **options})
    assert count == encoder.count_params()


def test_every_weight_is_filled():
    encoder, report = engine.load_encoder(contents())
    assert all(np.all(np.asarray(weight) == 1) for weight in encoder.weights)
    assert report.num_mapped == len(encoder.weights)


def test_missing_variable_is_named():
    arrays = arrays_with()
    del arrays["pooler/bias"]
    with pytest.raises(InputError, match="'pooler/bias' is missing; it fills"):
        engine.load_encoder(contents(arrays))


def test_missing_variable_is_told_with_the_nearest_names():
    arrays = arrays_with()
    arrays["bert/pooler/bias"] = arrays.pop("pooler/bias")
    with pytest.raises(InputError, match="Nearest.*: 'bert/pooler/bias'"):
        engine.load_encoder(contents(arrays))


def test_unknown_variable_is_named():
    arrays = arrays_with(stranger=np.ones(3))
    with pytest.raises(InputError, match="'stranger', which no rule of the"):
        engine.load_encoder(contents(arrays))


def test_further_layers_are_not_dropped():
    config = {**CONFIG, "num_layers": 1}
    rules = tuple(Rule(path, (path,)) for path in encoder_shapes(config))
    with pytest.raises(InputError, match="transformer_block_1/.* and 7 more"):
        engine.load_encoder(contents(config=config, rules=rules))


def test_ignored_variable_is_reported():
    arrays = arrays_with(**{"pooler/bias/slot": np.ones(3)})
    source = contents(arrays, ignored=(r".+/slot",))
    _, report = engine.load_encoder(source)
    assert report.ignored == ("pooler/bias/slot",)


def test_ignoring_needs_the_whole_name():
    arrays = arrays_with(**{"slot/of/mine": np.ones(3)})
    with pytest.raises(InputError, match="'slot/of/mine'"):
        engine.load_encoder(contents(arrays, ignored=("slot",)))


def test_wrong_shape_is_named_before_anything_is_read():
    arrays = arrays_with(**{"pooler/bias": np.ones(9)})
    source = contents(arrays)
    source = dataclasses.replace(
        source, variables=Variables(source.variables.shapes, None)
    )
    with pytest.raises(
        InputError, match=r"'pooler/bias' must have the shape \(8,\).*\(9,\)"
    ):
        engine.load_encoder(source)


def test_integers_are_no_weights():
    arrays = arrays_with(**{"pooler/bias": np.ones(8, "int64")})
    with pytest.raises(InputError, match="'pooler/bias' must be floating"):
        engine.load_encoder(contents(arrays))


def test_pooler_can_be_left_out():
    encoder, report = engine.load_encoder(contents(), use_pooler=False)
    assert "pooled_output" not in encoder.output
    assert report.ignored == ("pooler/bias", "pooler/kernel")


def test_absurd_size_is_refused_before_it_is_allocated():
    config = {**CONFIG, "vocabulary_size": 10**12}
    with pytest.raises(InputError, match="`vocabulary_size` must be an integ"):
        engine.load_encoder(contents(config=config))


@pytest.mark.parametrize(
    "error", [MemoryError("240 GB"), RecursionError(), KeyError("width")]
)
def test_whatever_an_encoder_raises_names_the_checkpoint(error):
    def encoder(**config):
        raise error

    encoders.register("broken", encoder)
    try:
        with pytest.raises(InputError, match="here must state an encoder"):
            engine.build_encoder("broken", {}, "here")
    finally:
        encoders.unregister("broken")


def test_blocks_are_numbered():
    rules = expand([Rule("block_{i}/a", ("b.{i}.q", "b.{i}.k"))], 2)
    assert rules[1] == Rule("block_1/a", ("b.1.q", "b.1.k"))


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (SAME, (4, 6)),
        (TRANSPOSED, (6, 4)),
        (HEADS_LAST, (4, 2, 3)),
        (HEADS_FIRST, (2, 2, 6)),
    ],
    ids=["same", "transposed", "heads last", "heads first"],
)
def test_layout_round_trip(layout, expected):
    ours = np.arange(24.0).reshape(4, 6)
    shape = layout.shape(ours.shape, 2)
    theirs = layout.write(ours, shape)
    assert theirs.shape == shape == expected
    np.testing.assert_array_equal(layout.read(theirs, ours.shape), ours)


def test_several_sources_stand_side_by_side():
    arrays = {"q": np.full((2, 3), 1.0), "k": np.full((2, 3), 2.0)}
    variables = Variables({}, arrays.__getitem__)
    found = read_rule(Rule("qk", ("q", "k")), variables, (2, 6), "")
    np.testing.assert_array_equal(found, [[1, 1, 1, 2, 2, 2]] * 2)
