"""Runs `bert-zoo`, with two CPUs in the places of a TPU's cores."""

import sys

import two_devices

from keras_bert_zoo.cli.main import run
from keras_bert_zoo.training import distribution

if __name__ == "__main__":
    strategy = two_devices.strategy()
    distribution._tpu = lambda: strategy
    run(["bert-zoo", *sys.argv[1:]])
