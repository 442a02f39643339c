"""A MiniLM-sized classifier, and its training step."""

# First, because it settles how TensorFlow, loaded next, is set up.
from keras_bert_zoo.encoders.bert import BertEncoder  # isort: skip

import contextlib
from collections.abc import Callable

import keras
import tensorflow as tf

from benchmarks.encoder_contenders import batches
from keras_bert_zoo.training.model import ReplicatedModel
from keras_bert_zoo.training.optimizers.layerwise import AdamW


def make_model(strategy=None, **sizes) -> ReplicatedModel:
    """Returns a compiled model with two classes.

    Args:
        strategy: to make it under, or `None`.
        **sizes: of the encoder; MiniLM's where left out.
    """
    sizes = {
        "vocabulary_size": batches.VOCABULARY_SIZE,
        "num_layers": batches.NUM_LAYERS,
        "num_heads": batches.NUM_HEADS,
        "hidden_dim": batches.HIDDEN_DIM,
        "intermediate_dim": batches.INTERMEDIATE_DIM,
        **sizes,
    }
    with strategy.scope() if strategy else contextlib.nullcontext():
        encoder = BertEncoder(**sizes)
        logits = keras.layers.Dense(2)(encoder.output["pooled_output"])
        model = ReplicatedModel(encoder.input, logits)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(AdamW(1e-4), loss)
    return model


def step(model: ReplicatedModel, cell: dict) -> Callable:
    """Returns a function that trains on one batch."""
    inputs = batches.batch(cell)
    labels = inputs.pop("labels")
    dataset = tf.data.Dataset.from_tensor_slices((inputs, labels))
    dataset = dataset.batch(cell["batch"], drop_remainder=True)
    dataset = dataset.cache().repeat()
    strategy = model.distribute_strategy
    # Keras' `fit` builds metrics so, under a strategy.
    model.fit(dataset, steps_per_epoch=1, verbose=0)
    iterator = iter(strategy.experimental_distribute_dataset(dataset))
    return lambda: model.train_function(iterator)["loss"].numpy()
