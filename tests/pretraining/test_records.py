"""TFRecords with the published keys, written and read."""

import numpy as np
import pytest
import small_corpus
import tensorflow as tf

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import records
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


def one_pass(path, pairs="next_sentence", batch_size=1000, **options):
    """Returns the batches of the first pass."""
    batches = read(path, pairs).batches(batch_size, **options)
    return list(batches.dataset().take(batches.num_batches))


def rows(arrays):
    """Returns the rows of arrays of a batch, in a fixed order."""
    return sorted(map(tuple, np.asarray(arrays).tolist()))


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
    masked = arrays["masked_lm_ids"][arrays["masked_lm_weights"] > 0]
    assert (
        files.token_counts.tolist()
        == np.bincount(masked, minlength=len(files.token_counts)).tolist()
    )
    ((inputs, labels, weights),) = one_pass(path)
    longest = arrays["input_mask"].sum(axis=1).max()
    for name, key in (
        ("token_ids", "input_ids"),
        ("padding_mask", "input_mask"),
        ("segment_ids", "segment_ids"),
    ):
        assert rows(inputs[name]) == rows(arrays[key][:, :longest])
    of_positions = [
        np.concatenate(columns, axis=1)
        for columns in (
            (
                inputs["mask_positions"],
                labels["masked_lm"],
                weights["masked_lm"],
                labels["next_sentence"][:, None],
            ),
            (
                arrays["masked_lm_positions"],
                arrays["masked_lm_ids"],
                arrays["masked_lm_weights"],
                arrays["next_sentence_labels"],
            ),
        )
    ]
    assert rows(of_positions[0]) == rows(of_positions[1])


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
    for one, other in zip(
        one_pass(path, batch_size=16), one_pass(newer, batch_size=16)
    ):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


@pytest.mark.slow
def test_a_model_learns_from_files_as_from_the_arrays(path):
    tokenizer = small_corpus.tokenizer()
    encoder = testing.tiny_encoder(tokenizer.vocabulary_size)
    model = zoo.PretrainingModel(encoder, MaskedLM(), tokenizer, LENGTH)
    model.compile(learning_rate=3e-3)
    history = model.fit(read(path).batches(8), epochs=3, verbose=0).history
    assert len(history["loss"]) == 3
    assert history["loss"][-1] < history["loss"][0]


def ids_of(batches, number, first=0):
    """Returns the token ids of some batches."""
    return [
        inputs["token_ids"].numpy().tolist()
        for inputs, *_ in batches.dataset(first).take(number)
    ]


def test_passes_and_seeds_give_other_orders(path):
    batches = read(path).batches(4, seed=1)
    number = batches.num_batches
    found = ids_of(batches, 3 * number)
    passes = [found[start : start + number] for start in (0, number)]
    assert passes[0] != passes[1]
    assert sorted(sum(passes[0], [])) == sorted(sum(passes[1], []))
    assert ids_of(read(path).batches(4, seed=1), 3 * number) == found
    assert ids_of(read(path).batches(4, seed=2), number) != passes[0]


@pytest.mark.parametrize(
    "fixed_shapes", [False, pytest.param(True, marks=pytest.mark.slow)]
)
def test_batches_begin_anywhere(path, fixed_shapes):
    batches = read(path).batches(4, seed=1, fixed_shapes=fixed_shapes)
    number = batches.num_batches
    found = ids_of(batches, 2 * number + 3)
    for first in (1, number, number + 2, 2 * number):
        assert ids_of(batches, len(found) - first, first) == found[first:]


def test_records_of_several_files_are_in_a_batch(tmp_path):
    arrays = made()
    paths = []
    for index in range(3):
        part = {key: values[index::3] for key, values in arrays.items()}
        paths.append(write(tmp_path / f"{index}.tfrecord", part))
    files = RecordFiles(paths, MaskedLM(), small_corpus.tokenizer())
    ((inputs, *_),) = files.batches(1000).dataset().take(1)
    longest = inputs["token_ids"].shape[1]
    assert rows(inputs["token_ids"]) == rows(arrays["input_ids"][:, :longest])
    where = {
        tuple(row): index % 3
        for index, row in enumerate(arrays["input_ids"][:, :longest].tolist())
    }
    order = [where[tuple(row)] for row in inputs["token_ids"].numpy().tolist()]
    assert set(order[:10]) == {0, 1, 2}


def test_fixed_shapes_are_whole_batches(path):
    batches = one_pass(path, batch_size=4, fixed_shapes=True)
    with pytest.raises(InputError, match="batch_size=1000"):
        read(path).batches(1000, fixed_shapes=True)
    assert {tuple(batch[0]["token_ids"].shape) for batch in batches} == {
        (4, LENGTH)
    }


def test_examples_of_one_segment_need_no_label_of_pairs(tmp_path):
    arrays = made("none")
    del arrays["next_sentence_labels"]
    path = write(tmp_path / "one.tfrecord", arrays)
    ((_, labels, _),) = one_pass(path, "none")
    assert set(labels) == {"masked_lm"}
    with pytest.raises(InputError, match="key next_sentence_labels"):
        read(path)


def test_of_known_files_some_records_are_looked_at(path, monkeypatch):
    number = read(path).num_examples
    monkeypatch.setattr(records, "_SAMPLED_RECORDS", 5)
    content = path.read_bytes()
    path.write_bytes(content[:-9] + b"damage" + content[-3:])
    files = RecordFiles(
        [path],
        MaskedLM(),
        small_corpus.tokenizer(),
        known={str(path): number},
    )
    assert files.num_examples == number
    masked = made()["masked_lm_weights"][:5].sum()
    assert files.token_counts.sum() == masked
    with pytest.raises(InputError, match=f"record {number}: .*damaged"):
        files.check()


def test_a_file_that_is_cut_names_the_record(path):
    content = path.read_bytes()
    path.write_bytes(content[:-7])
    with pytest.raises(InputError, match=r"s.tfrecord, record \d+: .*cut"):
        read(path)


def test_a_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "text"
    path.write_text("no records in here, but more than a few bytes")
    message = "record 1: a TFRecord must be whole.*give a text as `corpus`"
    with pytest.raises(InputError, match=message):
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


def test_a_key_that_a_later_record_lacks_is_named(tmp_path):
    arrays = made()
    path = tmp_path / "x"
    lacking = {k: v[:2] for k, v in arrays.items() if k != "masked_lm_ids"}
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in serialized(arrays):
            writer.write(record)
        feature = {
            key: tf.train.Feature(
                int64_list=tf.train.Int64List(value=values[0].astype(int))
            )
            for key, values in lacking.items()
        }
        example = tf.train.Example(features=tf.train.Features(feature=feature))
        writer.write(example.SerializeToString())
    number = len(arrays["input_ids"]) + 1
    with pytest.raises(
        InputError, match=f"record {number}: .*without masked_lm_ids"
    ):
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
    with pytest.raises(InputError, match=f"record {number}: .*other lengths"):
        read(path)


def test_tokens_of_another_vocabulary_are_named(tmp_path):
    arrays = made()
    arrays["input_ids"][5, 3] = 99_999
    path = write(tmp_path / "x", arrays)
    with pytest.raises(InputError, match=r"record 6: .*Received: 99999"):
        read(path)
