"""One step of tf-models-official's BertEncoderV2, on tf_keras."""

import tensorflow as tf
import tf_keras
from official.nlp.modeling.networks import bert_encoder

from benchmarks import harness
from benchmarks.encoder_contenders import batches

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def prepare(cell: dict):
    tf_keras.mixed_precision.set_global_policy(POLICIES[cell["dtype"]])
    arrays = batches.batch(cell)
    labels = tf.constant(arrays["labels"])
    inputs = {
        "input_word_ids": tf.constant(arrays["token_ids"]),
        "input_type_ids": tf.constant(arrays["segment_ids"]),
        "input_mask": tf.constant(arrays["padding_mask"]),
    }
    encoder = bert_encoder.BertEncoderV2(
        vocab_size=batches.VOCABULARY_SIZE,
        hidden_size=batches.HIDDEN_DIM,
        num_layers=batches.NUM_LAYERS,
        num_attention_heads=batches.NUM_HEADS,
        inner_dim=batches.INTERMEDIATE_DIM,
        output_dropout=batches.DROPOUT,
        attention_dropout=batches.DROPOUT,
    )
    if cell["step"] == "forward":
        forward = tf.function(
            lambda inputs: encoder(inputs, training=False)["pooled_output"]
        )
        return lambda: forward(inputs).numpy()
    pooled = encoder(encoder.inputs)["pooled_output"]
    logits = tf_keras.layers.Dense(2, dtype="float32")(pooled)
    model = tf_keras.Model(encoder.inputs, logits)
    model.compile(
        tf_keras.optimizers.AdamW(
            batches.LEARNING_RATE, weight_decay=batches.WEIGHT_DECAY
        ),
        tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    model.make_train_function()
    batch = iter(tf.data.Dataset.from_tensors((inputs, labels)).repeat())
    return lambda: float(model.train_function(batch)["loss"])


if __name__ == "__main__":
    harness.serve(prepare)
