"""Trains objectives on one device and on two, and prints the differences.

A name that ends with `-packed` trains on packed sequences, one with `-fixed` in
batches of fixed shapes.
"""

import contextlib
import json
import sys

import keras
import small_corpus
import two_devices

import keras_bert_zoo as zoo
from keras_bert_zoo import testing

IN_FIT = {"packed": {"packed_length": 32}, "fixed": {"fixed_shapes": True}}


def trained(scope, name):
    name, _, kind = name.partition("-")
    tokenizer = small_corpus.tokenizer()
    with scope:
        encoder = testing.tiny_encoder(
            tokenizer.vocabulary_size, dropout=0.0, attention_dropout=0.0
        )
        objective = (
            zoo.ReplacedTokens()
            if name == "replaced_tokens"
            else zoo.MaskedLM(pairs=name)
        )
        model = zoo.PretrainingModel(encoder, objective, tokenizer, 16)
        # Adam makes steps of rounding where a gradient is zero.
        # The loss of replaced tokens counts 50 times.
        rate = 0.05 if name != "replaced_tokens" else 0.001
        model.compile(keras.optimizers.SGD(rate, 0.9))
    in_fit = IN_FIT.get(kind, {})
    corpus = small_corpus.corpus(5)
    # The same tokens are masked as afterwards; in training others are.
    before = model.evaluate(corpus, verbose=0, return_dict=True, batch_size=8)
    return before, two_devices.fitted(model, corpus, in_fit, batch_size=8)


def main():
    strategy = two_devices.strategy()
    for name in sys.argv[1:]:
        before, one = trained(contextlib.nullcontext(), name)
        _, two = trained(strategy.scope(), name)
        _, scores, _ = one
        # What the generator learns makes the encoder's task harder.
        loss = "generator_loss" if "generator_loss" in scores else "loss"
        print(
            json.dumps(
                {
                    "replicas": two_devices.difference(one, two),
                    "learned": before[loss] - scores[loss],
                }
            )
        )


if __name__ == "__main__":
    main()
