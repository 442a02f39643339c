"""Ours with a conditional random field."""

from benchmarks.tagging_contenders import keras_bert_zoo

if __name__ == "__main__":
    keras_bert_zoo.run(crf=True)
