"""A tiny head and tokenizer, and files to read."""

import gzip

import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.tokenization import pad


class WordTokenizer:
    """One token per word: `a` is 1, `b` is 2, ...; padding is 99."""

    def pad(self, inputs, sequence_length=None, **options):
        return pad(
            inputs, padding_id=99, sequence_length=sequence_length, **options
        )

    def tokenize(self, texts):
        words = tf.strings.split(texts)
        letters = tf.strings.unicode_decode_with_offsets(
            tf.strings.substr(words.flat_values, 0, 1), "UTF-8"
        )[0]
        return words.with_flat_values(letters.to_tensor()[:, 0] - 96)


class LetterHead(TaskHead):
    """Reads a text and a whole number."""

    name = "letter"
    label_dtype = "int32"

    def __init__(self, weighted=False, per_token=False):
        self.weighted = weighted
        self.per_token = per_token

    def example(self, values, with_label):
        example = super().example(values, with_label)
        if with_label:
            try:
                example["label"] = int(values["label"])
            except ValueError as error:
                raise InputError(f"label {values['label']!r} is bad") from error
        return example

    def example_spec(self, with_label):
        spec = super().example_spec(with_label)
        return {**spec, "label": (self.label_dtype, ())} if with_label else spec

    def features(self, examples, tokenizer, sequence_length):
        whole = tokenizer.tokenize(examples["text"])
        token_ids = whole[:, :sequence_length]
        labels = examples.get("label")
        weights = None
        if self.weighted:
            weights = tf.cast(labels, tf.float32) / 2
        if self.per_token:
            labels = token_ids * 10
        return Features(
            {"token_ids": token_ids, "segment_ids": tf.zeros_like(token_ids)},
            labels,
            weights,
            tf.cast(whole.row_lengths() - token_ids.row_lengths(), tf.int32),
        )


@pytest.fixture
def tokenizer():
    return WordTokenizer()


@pytest.fixture
def head():
    return LetterHead()


@pytest.fixture
def make_head():
    return LetterHead


@pytest.fixture
def write(tmp_path):
    """Writes a file and returns its path; gzips where the name says so."""

    def write_file(name, content):
        content = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(
            gzip.compress(content) if name.endswith(".gz") else content
        )
        return str(path)

    return write_file
