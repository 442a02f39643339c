"""One step of this project's encoder."""

# First, because it settles how TensorFlow, loaded next, is set up.
from keras_bert_zoo.encoders.bert import BertEncoder  # isort: skip

from benchmarks import harness
from benchmarks.encoder_contenders import batches
from benchmarks.encoder_contenders import keras_steps
from keras_bert_zoo.training.optimizers.layerwise import AdamW


def encoder(policy: str) -> BertEncoder:
    return BertEncoder(
        vocabulary_size=batches.VOCABULARY_SIZE,
        num_layers=batches.NUM_LAYERS,
        num_heads=batches.NUM_HEADS,
        hidden_dim=batches.HIDDEN_DIM,
        intermediate_dim=batches.INTERMEDIATE_DIM,
        dropout=batches.DROPOUT,
        attention_dropout=batches.DROPOUT,
        dtype=policy,
    )


def optimizer() -> AdamW:
    return AdamW(batches.LEARNING_RATE, batches.WEIGHT_DECAY)


def prepare(cell: dict):
    return keras_steps.prepare(cell, encoder, optimizer)


if __name__ == "__main__":
    harness.serve(prepare)
