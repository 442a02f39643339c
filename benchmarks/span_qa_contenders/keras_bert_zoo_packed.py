"""Ours with questions drawn freely, several of them in a row."""

from benchmarks.span_qa_contenders import keras_bert_zoo
from benchmarks.span_qa_contenders import recipe

if __name__ == "__main__":
    keras_bert_zoo.run(packed_length=recipe.SEQUENCE_LENGTH)
