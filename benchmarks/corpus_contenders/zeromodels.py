"""zeromodels' `BertMaskedLM` and its tokenizer, on the lines of a file.

It has neither a reader of files nor a masker: lines are drawn and tokens masked
as BERT does, in NumPy, which takes next to no time.
"""

import pathlib

import keras
import numpy as np
import tensorflow as tf
from zeromodels.models import bert

from benchmarks import harness
from benchmarks.pretraining_contenders import zeromodels

tf.config.threading.set_intra_op_parallelism_threads(harness.NUM_THREADS)


def prepare(cell: dict):
    tokenizer = bert.BertTokenizer(
        tokenizer_file=f"{cell['vocabulary']}/tokenizer.json",
        max_seq_len=cell["length"],
    )
    model = zeromodels.make_model()
    draw = np.random.default_rng(0)

    def epoch():
        lines = pathlib.Path(cell["corpus"]).read_text("utf-8").splitlines()
        lines = [line for line in lines if line]
        draw.shuffle(lines)
        for start in range(0, len(lines), cell["batch"]):
            texts = lines[start : start + cell["batch"]]
            inputs = {
                name: np.asarray(value)
                for name, value in tokenizer(texts).items()
            }
            labels = _padded(inputs.pop("input_ids"), cell["length"])
            inputs = {
                name: _padded(value, cell["length"])
                for name, value in inputs.items()
            }
            special = labels < tokenizer.mask_token_id + 1
            masked = (draw.random(labels.shape) < 0.15) & ~special
            kind = draw.random(labels.shape)
            others = draw.integers(0, tokenizer.vocab_size, labels.shape)
            ids = np.where(masked & (kind < 0.1), others, labels)
            ids = np.where(masked & (kind >= 0.2), tokenizer.mask_token_id, ids)
            model.train_on_batch(
                {"input_ids": ids, **inputs}, labels, masked.astype("float32")
            )

    return epoch


def _padded(values, length):
    return np.pad(values, ((0, 0), (0, length - values.shape[1])))


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    harness.serve(prepare)
