"""Ours with sentences drawn freely, several of them in a row."""

from benchmarks.tagging_contenders import keras_bert_zoo

if __name__ == "__main__":
    keras_bert_zoo.run(packed_length=128)
