"""TFRecords with the published keys, written and read."""

import numpy as np
import pytest
import small_corpus
import tensorflow as tf

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import shards
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from keras_bert_zoo.pretraining.records import RecordFiles
from keras_bert_zoo.pretraining.records import serialized
from keras_bert_zoo.pretraining.shards import Making

LENGTH = 20


def made(pairs="next_sentence", **options):
    """Returns the examples of a small corpus as arrays, by key."""
    making = Making(
        small_corpus.tokenizer(), MaskedLM(pairs), LENGTH, **options
    )
    (arrays,) = shards.examples_of_block(making, small_corpus.documents(), 0)
    return arrays


def write(path, arrays):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in serialized(arrays):
            writer.write(record)
    return path


def read(path, pairs="next_sentence"):
    return RecordFiles([path], MaskedLM(pairs), small_corpus.tokenizer())


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "examples.tfrecord", made())


def test_records_have_the_published_keys_and_types(path):
    record = next(tf.data.TFRecordDataset(str(path)).as_numpy_iterator())
    feature = tf.train.Example.FromString(record).features.feature
    sizes = {
        key: (
            len(value.int64_list.value),
            len(value.float_list.value),
        )
        for key, value in feature.items()
    }
    assert sizes == {
        "input_ids": (LENGTH, 0),
        "input_mask": (LENGTH, 0),
        "segment_ids": (LENGTH, 0),
        "masked_lm_positions": (3, 0),
        "masked_lm_ids": (3, 0),
        "masked_lm_weights": (0, 3),
        "next_sentence_labels": (1, 0),
    }


def test_what_is_written_is_read(path):
    arrays = made()
    files = read(path)
    assert files.num_examples == len(arrays["input_ids"])
    assert files.sequence_length == LENGTH
    hidden = arrays["masked_lm_ids"][arrays["masked_lm_weights"] > 0]
    assert (
        files.token_counts.tolist()
        == np.bincount(hidden, minlength=len(files.token_counts)).tolist()
    )
    dataset = files.dataset(1000)
    assert dataset.cardinality() == 1
    ((inputs, labels, weights),) = dataset
    longest = arrays["input_mask"].sum(axis=1).max()
    for name, key in (
        ("token_ids", "input_ids"),
        ("padding_mask", "input_mask"),
        ("segment_ids", "segment_ids"),
    ):
        assert np.array_equal(inputs[name], arrays[key][:, :longest])
    assert np.array_equal(
        inputs["mask_positions"], arrays["masked_lm_positions"]
    )
    assert np.array_equal(labels["masked_lm"], arrays["masked_lm_ids"])
    assert np.array_equal(weights["masked_lm"], arrays["masked_lm_weights"])
    assert np.array_equal(
        labels["next_sentence"], arrays["next_sentence_labels"][:, 0]
    )


def test_newer_names_of_keys_are_read_too(path, tmp_path):
    arrays = made()
    arrays["input_word_ids"] = arrays.pop("input_ids")
    arrays["input_type_ids"] = arrays.pop("segment_ids")
    columns = {k: v.tolist() for k, v in arrays.items()}
    newer = tmp_path / "newer.tfrecord"
    with tf.io.TFRecordWriter(str(newer)) as writer:
        for row in range(len(columns["input_mask"])):
            feature = {
                key: tf.train.Feature(
                    float_list=tf.train.FloatList(value=values[row])
                )
                if key == "masked_lm_weights"
                else tf.train.Feature(
                    int64_list=tf.train.Int64List(value=values[row])
                )
                for key, values in columns.items()
            }
            example = tf.train.Example(
                features=tf.train.Features(feature=feature)
            )
            writer.write(example.SerializeToString())
    for one, other in zip(read(path).dataset(16), read(newer).dataset(16)):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_a_model_learns_from_files_as_from_the_arrays(path):
    tokenizer = small_corpus.tokenizer()
    encoder = testing.tiny_encoder(tokenizer.vocabulary_size)
    model = zoo.PretrainingModel(encoder, MaskedLM(), tokenizer, LENGTH)
    model.compile(learning_rate=3e-3)
    dataset = read(path).dataset(8, shuffle=True)
    history = model.fit(dataset, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_epochs_and_seeds_give_other_orders(path):
    def order(dataset):
        return [batch[0]["token_ids"].numpy().tolist() for batch in dataset]

    dataset = read(path).dataset(4, shuffle=True, seed=1)
    first, second = order(dataset), order(dataset)
    assert first != second
    again = read(path).dataset(4, shuffle=True, seed=1)
    assert [order(again), order(again)] == [first, second]
    assert order(read(path).dataset(4, shuffle=True, seed=2)) != first


def test_fixed_shapes_are_whole_batches(path):
    batches = list(read(path).dataset(4, fixed_shapes=True))
    assert {tuple(batch[0]["token_ids"].shape) for batch in batches} == {
        (4, LENGTH)
    }


def test_examples_of_one_segment_need_no_label_of_pairs(tmp_path):
    arrays = made("none")
    del arrays["next_sentence_labels"]
    path = write(tmp_path / "one.tfrecord", arrays)
    files = read(path, "none")
    ((_, labels, _),) = files.dataset(1000)
    assert set(labels) == {"masked_lm"}
    with pytest.raises(InputError, match="key next_sentence_labels"):
        read(path)


def test_a_file_that_is_cut_names_the_record(path):
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    with pytest.raises(InputError, match=r"s.tfrecord, record \d+: .*cut"):
        read(path)


def test_a_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "text"
    path.write_text("no records in here, but more than a few bytes")
    with pytest.raises(InputError, match="record 1: a TFRecord must be whole"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match="an empty file"):
        read(path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read(tmp_path / "nowhere")


def test_a_missing_key_is_named(tmp_path):
    arrays = made()
    del arrays["masked_lm_weights"]
    path = write(tmp_path / "x", arrays)
    with pytest.raises(InputError, match="record 1.*key masked_lm_weights"):
        read(path)


def test_an_example_of_another_length_is_named(tmp_path):
    arrays = made()
    short = {k: v[:2, : max(v.shape[1] - 1, 1)] for k, v in arrays.items()}
    path = tmp_path / "x"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for part in (arrays, short):
            for record in serialized(part):
                writer.write(record)
    number = len(arrays["input_ids"]) + 1
    with pytest.raises(InputError, match=f"record {number}: all examples"):
        read(path)


def test_tokens_of_another_vocabulary_are_named(tmp_path):
    arrays = made()
    arrays["input_ids"][5, 3] = 99_999
    path = write(tmp_path / "x", arrays)
    with pytest.raises(InputError, match=r"record 6: .*Received: 99999"):
        read(path)
