"""Padding and speed of the input pipeline on SST-2.

    python -m benchmarks.data_pipeline [--epochs 5] [--out FILE]

Prints one table: the share of padding among all tokens that the encoder has
to work through, and rows/s and processor time (of all threads; steady on a
busy machine) to padded batches of 32, for several ways to make batches. The
first two keep the rows in memory; the grouped ones, which are what `fit`
uses, read and check the file anew in each epoch. Data and vocabulary are read
from the directory `KBZ_SHARED`.
"""

import argparse
import json
import os
import pathlib
import random
import time

import tensorflow as tf

from keras_bert_zoo.data import FileExamples
from keras_bert_zoo.data import InputCounts
from keras_bert_zoo.data import build_dataset
from keras_bert_zoo.data import check_examples
from keras_bert_zoo.tokenization import pad
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary
from task_heads.classification.head import ClassificationHead

BATCH_SIZE = 32
SEQUENCE_LENGTH = 128
TOKENS_PER_BATCH = 1024
COLUMNS = {"text": "sentence", "label": "label"}


def in_batches(rows, head, tokenizer, length):
    """Random batches of 32, each text tokenized with its batch.

    Padded to `length` tokens, or to the longest text where it is `None`.
    """
    examples = [head.example(row.values, True) for row in rows]
    random.Random(0).shuffle(examples)
    columns = {
        name: [example[name] for example in examples] for name in examples[0]
    }

    def prepare(columns):
        found = head.features(columns, tokenizer, SEQUENCE_LENGTH)
        padded = pad(
            found.inputs,
            padding_id=tokenizer.padding_id,
            sequence_length=length,
        )
        return padded, found.labels

    dataset = tf.data.Dataset.from_tensor_slices(columns).batch(BATCH_SIZE)
    dataset = dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)


def measure(dataset, num_examples, epochs):
    """Padding share, tokens, rows/s and processor time over some epochs."""
    tokens = padded = 0
    for inputs, *_ in dataset:
        tokens += int(tf.reduce_sum(inputs["padding_mask"]))
        padded += int(tf.size(inputs["padding_mask"]))
    start, cpu_start = time.perf_counter(), time.process_time()
    for _ in range(epochs):
        for _ in dataset:
            pass
    seconds = time.perf_counter() - start
    cpu_seconds = time.process_time() - cpu_start
    return {
        "padding_fraction": 1 - tokens / padded,
        "tokens_per_epoch": padded,
        "rows_per_second": epochs * num_examples / seconds,
        "cpu_microseconds_per_row": 1e6 * cpu_seconds / epochs / num_examples,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument(
        "--out", default="benchmarks/results/data_pipeline.json"
    )
    args = parser.parse_args()
    shared = pathlib.Path(os.environ.get("KBZ_SHARED", "../shared"))
    vocabulary = shared / "models/vocab/bert-base-uncased-vocab.txt"
    tokenizer = BertTokenizer(Vocabulary.from_file(vocabulary), lowercase=True)
    rows = FileExamples(shared / "data/sst2/train.tsv.gz", COLUMNS)
    head = ClassificationHead.from_examples(rows)
    start = time.perf_counter()
    num_examples = check_examples(rows, head).num_examples
    reading = num_examples / (time.perf_counter() - start)

    def grouped(**options):
        return build_dataset(
            rows,
            head,
            tokenizer,
            sequence_length=SEQUENCE_LENGTH,
            shuffle=True,
            counts=InputCounts(),
            **options,
        )

    datasets = {
        f"fixed {SEQUENCE_LENGTH}": in_batches(
            rows, head, tokenizer, SEQUENCE_LENGTH
        ),
        "random, padded to longest": in_batches(rows, head, tokenizer, None),
        "by length (default)": grouped(batch_size=BATCH_SIZE),
        f"by length, {TOKENS_PER_BATCH} tokens": grouped(
            tokens_per_batch=TOKENS_PER_BATCH
        ),
    }
    results = {
        name: measure(dataset, num_examples, args.epochs)
        for name, dataset in datasets.items()
    }
    print(
        f"SST-2 train, {num_examples} rows; reading and checking alone: "
        f"{reading:,.0f} rows/s"
    )
    print(
        f"{'batches':28}{'padding':>9}{'tokens/epoch':>14}{'rows/s':>10}"
        f"{'CPU us/row':>12}"
    )
    for name, found in results.items():
        print(
            f"{name:28}{found['padding_fraction']:9.1%}"
            f"{found['tokens_per_epoch']:14,}{found['rows_per_second']:10,.0f}"
            f"{found['cpu_microseconds_per_row']:12.0f}"
        )
    out = pathlib.Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    content = {"reading_rows_per_second": reading, "batches": results}
    out.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
