"""An objective of one's own: a run of tokens is masked, one in each example.

    pip install ./examples/plugin_objective
    bert-zoo pretrain --objective masked_run --fraction 0.2 --corpus …

Layers, losses, metrics and saved weights are those of the masked LM; what is
different is which tokens are masked, and so `features` alone is written here.
"""

import tensorflow as tf

import keras_bert_zoo as zoo
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import Option


class MaskedRun(zoo.MaskedLM):
    """Predicts a run of masked tokens from their context.

    Args:
        fraction: float in (0, 1). How much of an example is masked.
    """

    name = "masked_run"

    def __init__(self, fraction: float = 0.2):
        super().__init__(pairs="none", mask_rate=fraction)

    @classmethod
    def options(cls):
        return (Option("fraction", float, 0.2, "how much is masked"),)

    def get_config(self):
        return {"fraction": self.mask_rate}

    def features(self, examples, tokenizer, sequence_length):
        tokens = examples["first"]  # ragged (B, None), without special tokens
        lengths = tf.cast(tokens.row_lengths(), tf.float32)
        masked = tf.maximum(tf.floor(self.mask_rate * lengths), 1.0)
        draws = tf.random.stateless_uniform(
            tf.shape(lengths), examples["random_seed"]
        )
        starts = tf.cast(tf.floor(draws * (lengths - masked + 1.0)), tf.int32)
        ends = starts + tf.cast(masked, tf.int32)
        run = tf.ragged.range(starts, ends)  # (B, None), places in the tokens

        place = tf.ragged.range(tf.cast(lengths, tf.int32))
        inside = (place >= starts[:, None]) & (place < ends[:, None])
        seen = tf.where(
            inside.flat_values, tokenizer.mask_id, tokens.flat_values
        )
        packed = tokenizer.pack(
            [tokens.with_flat_values(seen)], sequence_length
        )
        positions = packed.positions(run)
        return Features(
            {**packed.inputs, "mask_positions": positions},
            {"masked_lm": tf.gather(tokens, run, batch_dims=1)},
            {"masked_lm": tf.ones_like(run, tf.float32)},
            packed.num_truncated,
        )
