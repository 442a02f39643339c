"""Object-graph checkpoints that are almost those of the model garden."""

import pytest
import tensorflow as tf
from checkpoint_parts import load_checkpoint

from keras_bert_zoo.errors import InputError

BLOCK = "_transformer_layers/0"
QUERY = f"{BLOCK}/_attention_layer/_query_dense/kernel"
SHAPES = {
    "_embedding_layer/embeddings": (10, 8),
    "_position_embedding_layer/embeddings": (16, 8),
    "_type_embedding_layer/embeddings": (2, 8),
    QUERY: (8, 2, 4),
    f"{BLOCK}/_intermediate_dense/bias": (12,),
}


def graph(shapes):
    """Returns an object with zeros under paths of attributes."""
    root = tf.train.Checkpoint()
    for name, shape in shapes.items():
        *parents, last = name.split("/")
        node = root
        for parent in parents:
            if not hasattr(node, parent):
                setattr(node, parent, tf.train.Checkpoint())
            node = getattr(node, parent)
        setattr(node, last, tf.Variable(tf.zeros(shape)))
    return root


def save(path, **objects):
    tf.train.Checkpoint(**objects).write(str(path / "model.ckpt"))
    return path


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        (QUERY, (8, 8), r"kernel of rank 3.*the shape \(8, 8\)"),
        (QUERY, (8, 0, 4), r"kernel of rank 3.*the shape \(8, 0, 4\)"),
        (QUERY, (), r"kernel of rank 3.*the shape \(\)"),
        ("_embedding_layer/embeddings", (10,), r"of rank 2.*\(10,\)"),
        ("_type_embedding_layer/embeddings", (), r"of rank 2.*\(\)"),
        ("_position_embedding_layer/embeddings", (), r"of rank 2.*\(\)"),
        (f"{BLOCK}/_intermediate_dense/bias", (), r"of rank 1.*\(\)"),
        ("out_proj/bias", (2, 2), r"out_proj/bias of rank 1"),
        ("out_proj/bias", (0,), r"out_proj/bias of rank 1.*\(0,\)"),
        ("_transformer_layers/x", (2,), "is missing; it fills"),
        ("_transformation", (2,), "is missing; it fills"),
    ],
)
def test_shapes_of_something_else_are_refused(tmp_path, name, shape, message):
    path = save(tmp_path, encoder=graph({**SHAPES, name: shape}))
    with pytest.raises(InputError, match=message):
        load_checkpoint(path)


@pytest.mark.parametrize("name", SHAPES)
def test_a_missing_variable_is_named(tmp_path, name):
    shapes = {one: shape for one, shape in SHAPES.items() if one != name}
    path = save(tmp_path, encoder=graph(shapes))
    with pytest.raises(InputError, match="Received: no"):
        load_checkpoint(path)


def test_blocks_are_counted_from_0(tmp_path):
    shapes = {
        name.replace(BLOCK, "_transformer_layers/1"): shape
        for name, shape in SHAPES.items()
    }
    path = save(tmp_path, encoder=graph(shapes))
    with pytest.raises(InputError, match="Received: none"):
        load_checkpoint(path)


def test_two_encoders_are_refused(tmp_path):
    path = save(tmp_path, left=graph(SHAPES), right=graph(SHAPES))
    with pytest.raises(InputError, match="Received: left/, right/"):
        load_checkpoint(path)


def test_checkpoint_of_something_else_is_refused(tmp_path):
    path = save(tmp_path, step=tf.Variable(1))
    with pytest.raises(InputError, match="Received: none. Save the encoder"):
        load_checkpoint(path)
