"""Trains on files of examples, on one device and on two.

    python files_on_two_devices.py FILE...

Prints the largest difference of the two, and the masked tokens of each example
of the first pass: of those that one device reads, and of those that this
process's part of two devices does.
"""

import contextlib
import json
import sys

import keras
import small_corpus
import tensorflow as tf
import two_devices

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from keras_bert_zoo.pretraining.records import RecordFiles

BATCH = 8


def main(paths):
    strategy = two_devices.strategy()
    tokenizer = small_corpus.tokenizer()
    objective = zoo.MaskedLM()
    files = RecordFiles(paths, objective, tokenizer)
    batches = files.batches(BATCH)

    def trained(scope):
        with scope:
            encoder = testing.tiny_encoder(
                tokenizer.vocabulary_size, dropout=0.0, attention_dropout=0.0
            )
            model = zoo.PretrainingModel(
                encoder, objective, tokenizer, files.sequence_length
            )
            model.compile(keras.optimizers.SGD(0.05, 0.9))
        return two_devices.fitted(model, batches)

    one, two = trained(contextlib.nullcontext()), trained(strategy.scope())
    dataset = batches.dataset().take(batches.num_batches)
    parts = [
        tf.concat(strategy.experimental_local_results(inputs["token_ids"]), 0)
        for inputs, *_ in strategy.experimental_distribute_dataset(dataset)
    ]
    print(
        json.dumps(
            {
                "difference": two_devices.difference(one, two),
                "num_examples": files.num_examples,
                "of_all": [rows(inputs["token_ids"]) for inputs, *_ in dataset],
                "of_part": [rows(part) for part in parts],
            }
        )
    )


def rows(ids):
    return ids.numpy().tolist()


if __name__ == "__main__":
    main(sys.argv[1:])
