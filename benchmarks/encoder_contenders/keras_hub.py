"""One step of keras-hub's BertBackbone."""

import keras
import keras_hub

from benchmarks import harness
from benchmarks.encoder_contenders import batches
from benchmarks.encoder_contenders import keras_steps


def encoder(policy: str):
    return keras_hub.models.BertBackbone(
        vocabulary_size=batches.VOCABULARY_SIZE,
        num_layers=batches.NUM_LAYERS,
        num_heads=batches.NUM_HEADS,
        hidden_dim=batches.HIDDEN_DIM,
        intermediate_dim=batches.INTERMEDIATE_DIM,
        dropout=batches.DROPOUT,
        dtype=policy,
    )


def optimizer():
    return keras.optimizers.AdamW(
        batches.LEARNING_RATE, weight_decay=batches.WEIGHT_DECAY
    )


def prepare(cell: dict):
    return keras_steps.prepare(cell, encoder, optimizer)


if __name__ == "__main__":
    harness.serve(prepare)
