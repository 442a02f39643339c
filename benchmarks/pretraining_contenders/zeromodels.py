"""One step of zeromodels' `BertMaskedLM`, which gives all tokens' logits."""

import keras
import numpy as np
import tensorflow as tf
from zeromodels.models import bert

from benchmarks import harness
from benchmarks.pretraining_contenders import batches

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)


def make_model() -> keras.Model:
    """Returns a compiled model."""
    model = bert.BertMaskedLM(
        vocab_size=batches.SIZES["vocabulary_size"],
        embed_dim=batches.SIZES["hidden_dim"],
        num_layers=batches.SIZES["num_layers"],
        num_heads=batches.SIZES["num_heads"],
        mlp_dim=batches.SIZES["intermediate_dim"],
        dropout=batches.DROPOUT,
        attention_dropout=batches.DROPOUT,
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(
            batches.LEARNING_RATE, batches.WEIGHT_DECAY
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def prepare(cell: dict):
    arrays = batches.batch(cell)
    keras.config.set_dtype_policy(cell["dtype"])
    model = make_model()
    inputs = {
        "input_ids": arrays["token_ids"],
        "token_type_ids": arrays["segment_ids"],
        "attention_mask": arrays["padding_mask"],
    }
    labels = arrays["token_ids"].copy()
    weights = np.zeros(labels.shape, "float32")
    np.put_along_axis(labels, arrays["mask_positions"], arrays["originals"], 1)
    np.put_along_axis(weights, arrays["mask_positions"], 1.0, 1)
    return lambda: model.train_on_batch(inputs, labels, weights)


if __name__ == "__main__":
    harness.serve(prepare)
