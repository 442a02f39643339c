"""Texts and labels in the containers that people hold them in."""

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.data import Examples
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import as_examples
from keras_bert_zoo.data import settled
from keras_bert_zoo.data import validation_examples
from keras_bert_zoo.errors import InputError
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead
from task_heads.tagging.head import TaggingHead

HEAD = ClassificationHead(["bad", "good"])
PAIRS = ClassificationHead(["bad", "good"], text_pair=True)
TEXTS = ["a", "b b", "ä 🙂"]
LABELS = ["bad", "good", "bad"]
NUMBERS = [0, 1, 0]


def values(examples):
    assert isinstance(examples, Examples)
    return [dict(one.values) for one in examples]


def rows(labels, **others):
    return [
        {"text": text, "label": label} | {k: v[n] for k, v in others.items()}
        for n, (text, label) in enumerate(zip(TEXTS, labels, strict=True))
    ]


def bytes_of(texts):
    return [text.encode() for text in texts]


@pytest.mark.parametrize(
    "texts",
    [
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, object),
        np.array(TEXTS, np.dtypes.StringDType()),
        np.array(bytes_of(TEXTS)),
        np.array(TEXTS)[:, None],
        np.array(bytes_of(TEXTS), object)[:, None],
        tf.constant(TEXTS),
        tf.constant(TEXTS)[:, None],
    ],
    ids=lambda x: f"{type(x).__name__} {getattr(x, 'dtype', '')}",
)
def test_arrays_and_tensors_are_texts(texts):
    labels = np.array(LABELS)
    assert values(as_examples(texts, labels, HEAD)) == rows(LABELS)


def test_an_array_without_dimensions_is_one_text():
    for text in (np.array("ä"), np.array("ä".encode()), tf.constant("ä")):
        assert values(as_examples(text, None, HEAD)) == [{"text": "ä"}]


def test_pairs_of_text_and_label_are_taken_apart():
    pairs = list(zip(TEXTS, LABELS))
    assert values(as_examples(pairs, None, HEAD)) == rows(LABELS)
    triples = [(*pair, 0.5) for pair in pairs]
    assert values(as_examples(triples, None, HEAD)) == rows(
        LABELS, sample_weight=[0.5] * 3
    )
    two = [(("a", "b"), "good"), (("c", "d"), "bad")]
    assert values(as_examples(two, None, PAIRS)) == [
        {"text": "a", "text_pair": "b", "label": "good"},
        {"text": "c", "text_pair": "d", "label": "bad"},
    ]


def dataset(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if parts[1:] else parts[0])


@pytest.mark.parametrize("batch", [None, 1, 2, 5])
def test_data_sets_of_strings_are_texts(batch):
    def batched(data):
        return data if batch is None else data.batch(batch)

    found = as_examples(batched(dataset(TEXTS, NUMBERS)), None, HEAD)
    assert values(found) == rows(NUMBERS)
    found = as_examples(batched(dataset(TEXTS, LABELS)), None, HEAD)
    assert values(found) == rows(LABELS)
    weights = [1.0, 0.0, 2.0]
    found = as_examples(batched(dataset(TEXTS, NUMBERS, weights)), None, HEAD)
    assert found.is_weighted
    assert values(found) == rows(NUMBERS, sample_weight=weights)
    found = as_examples(batched(dataset({"text": TEXTS}, NUMBERS)), None, HEAD)
    assert values(found) == rows(NUMBERS)
    found = as_examples(batched(dataset((TEXTS, TEXTS), LABELS)), None, PAIRS)
    assert values(found) == rows(LABELS, text_pair=TEXTS)
    found = as_examples(batched(dataset(TEXTS)), None, HEAD)
    assert values(found) == [{"text": text} for text in TEXTS]
    # Labels are none of a head's that learns from texts alone.
    found = as_examples(
        batched(dataset(TEXTS, NUMBERS)), None, MaskedTokenHead()
    )
    assert values(found) == [{"text": text} for text in TEXTS]


def test_data_sets_that_are_shuffled_are_read_once():
    data = dataset(TEXTS * 9, NUMBERS * 9).shuffle(27)
    found = as_examples(data, None, HEAD)
    assert values(found) == values(found)


def test_directories_of_texts_have_class_names(tmp_path):
    for name in ("bad", "good", "odd"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"{number}.txt").write_text(f"{name} {number}")
    data = keras.utils.text_dataset_from_directory(tmp_path, verbose=False)
    head = ClassificationHead.from_examples(
        as_examples(data, None, ClassificationHead)
    )
    assert head.labels_by_index == ["bad", "good", "odd"]
    for one in values(as_examples(data, None, head)):
        assert one["text"].split()[0] == one["label"]
    # A head with other labels takes the numbers for its own indices.
    other = ClassificationHead(["schlecht", "gut", "seltsam"])
    assert {one["label"] for one in values(as_examples(data, None, other))} == {
        0,
        1,
        2,
    }


def test_data_sets_without_end_are_refused():
    with pytest.raises(InputError, match="Leave `repeat` out"):
        as_examples(dataset(TEXTS, NUMBERS).repeat(), None, HEAD)


class OfKeras(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        part = slice(2 * index, 2 * index + 2)
        return np.array(TEXTS[part]), np.array(NUMBERS[part])


def test_generators_and_keras_data_sets_give_batches():
    assert values(as_examples(OfKeras(), None, HEAD)) == rows(NUMBERS)

    def batches():
        for part in (slice(0, 2), slice(2, 3)):
            yield np.array(TEXTS[part]), NUMBERS[part]

    held = settled(batches())
    for _ in range(2):
        assert values(as_examples(held, None, HEAD)) == rows(NUMBERS)
    held = settled(iter(zip(TEXTS, LABELS)))
    assert values(as_examples(held, None, HEAD)) == rows(LABELS)
    held = settled(text for text in TEXTS)
    assert values(as_examples(held, None, HEAD)) == [
        {"text": text} for text in TEXTS
    ]


def test_what_gives_nothing_is_refused():
    with pytest.raises(InputError, match="at least one batch or example"):
        settled(iter(()))


def test_what_is_no_text_is_left_to_keras():
    numbers = np.ones((2, 3))
    features = {"token_ids": numbers, "padding_mask": numbers}

    def batches():
        yield features, [0, 1]
        yield features, [1, 1]

    again = settled(batches())
    assert as_examples(again, None, HEAD) is None
    assert [y for _, y in again] == [[0, 1], [1, 1]]
    assert list(settled(iter([numbers, numbers])))[1] is numbers
    assert len(list(settled(iter([numbers, numbers])))) == 2
    for ready in (
        numbers,
        features,
        tf.constant(numbers),
        dataset(numbers),
        dataset(features, [0, 1]).batch(2),
    ):
        assert as_examples(ready, None, HEAD) is None


def test_large_arrays_of_numbers_are_not_copied():
    class Numbers(np.ndarray):
        def tolist(self):
            raise AssertionError("it is copied")

    assert as_examples(np.ones((4, 3)).view(Numbers), None, HEAD) is None


def test_weights_beside_mappings_are_refused():
    with pytest.raises(InputError, match="Put each weight into its mapping"):
        as_examples([{"text": "a"}], None, HEAD, [1.0])


def test_labels_beside_a_data_set_are_refused():
    with pytest.raises(InputError, match="bring their own labels"):
        as_examples(dataset(TEXTS, NUMBERS), LABELS, HEAD)


class Table:
    """A table with no more than what tells one."""

    def __init__(self, columns):
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name):
        return self._columns[name]


@pytest.mark.parametrize("kind", [Table, dict])
def test_tables_have_the_head_s_fields_as_columns(kind):
    table = kind({"text": TEXTS, "label": LABELS, "other": NUMBERS})
    assert values(as_examples(table, None, HEAD)) == rows(LABELS)
    found = as_examples(table, None, HEAD, columns={"label": "other"})
    assert values(found) == rows(NUMBERS)
    found = as_examples(table, NUMBERS, HEAD)
    assert values(found) == rows(NUMBERS)
    unlabelled = kind({"text": np.array(TEXTS), "other": NUMBERS})
    assert values(as_examples(unlabelled, None, HEAD)) == [
        {"text": text} for text in TEXTS
    ]
    for columns, message in (
        ({"text": "body"}, "'body' does not exist. Columns here: 'text', 'lab"),
        ({"texts": "text"}, "has the fields text, label"),
    ):
        with pytest.raises(InputError, match=message):
            as_examples(table, None, HEAD, columns=columns)
    with pytest.raises(InputError, match="`columns` names those of a table"):
        as_examples(TEXTS, None, HEAD, columns={"text": "text"})
    with pytest.raises(InputError, match="Received: 'train', 'test'. Choose"):
        as_examples({"train": table, "test": table}, None, HEAD)


def test_validation_data_are_taken_alike():
    expected = rows(NUMBERS)
    table = {"text": TEXTS, "label": NUMBERS}
    for given in (
        (np.array(TEXTS), np.array(NUMBERS)),
        table,
        dataset(TEXTS, NUMBERS),
        OfKeras(),
        settled(iter(zip(TEXTS, NUMBERS))),
        list(zip(TEXTS, NUMBERS)),
    ):
        assert values(validation_examples(given, HEAD)) == expected
    weighted = validation_examples((TEXTS, NUMBERS, [1, 2, 3]), HEAD)
    assert values(weighted) == rows(NUMBERS, sample_weight=[1, 2, 3])


def test_examples_in_memory_take_columns_in_any_container():
    found = MemoryExamples(
        {"text": tf.constant(TEXTS), "label": np.array([[0], [1], [0]])}
    )
    assert [one["text"] for one in values(found)] == TEXTS
    with pytest.raises(InputError, match="must be a sequence of values"):
        MemoryExamples({"text": "abc"})


def test_bytes_that_are_no_text_are_named():
    with pytest.raises(InputError, match="must be UTF-8.*xff"):
        as_examples(np.array([b"a\xff"]), None, HEAD)


@pytest.mark.parametrize("dtype", [None, "string", "category", object])
def test_pandas(dtype):
    pandas = pytest.importorskip("pandas")
    column = pandas.Series(TEXTS, dtype=dtype)
    labels = pandas.Series(LABELS, dtype=dtype, index=[5, 6, 7])
    assert values(as_examples(column, labels, HEAD)) == rows(LABELS)
    assert values(as_examples(column.array, labels, HEAD)) == rows(LABELS)
    frame = pandas.DataFrame({"label": LABELS, "body": TEXTS, "n": NUMBERS})
    found = as_examples(frame, None, HEAD, columns={"text": "body"})
    assert values(found) == rows(LABELS)
    found = as_examples(frame["body"], frame["n"], HEAD)
    assert values(found) == rows(NUMBERS)
    two = frame[["body", "label"]].to_numpy()
    assert [one["text_pair"] for one in values(as_examples(two, None, PAIRS))]
    numbers = pandas.Series([1.0, 2.0])
    assert as_examples(numbers, None, HEAD) is None
    gap = pandas.Series([*TEXTS, None], dtype=dtype)
    with pytest.raises(InputError, match="must be a text|reads a text"):
        list(map(dict, read(as_examples(gap, [*LABELS, "bad"], HEAD))))


def read(examples):
    return [HEAD.example(one.values, True) for one in examples]


def test_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"text": TEXTS, "label": LABELS})
    assert values(as_examples(frame, None, HEAD)) == rows(LABELS)
    found = as_examples(frame["text"], frame["label"], HEAD)
    assert values(found) == rows(LABELS)


def test_hugging_face_data_sets():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["bad", "good"]),
        }
    )
    data = datasets.Dataset.from_dict(
        {"text": TEXTS, "label": NUMBERS}, features=features
    )
    assert values(as_examples(data, None, HEAD)) == rows(LABELS)
    found = as_examples(data["text"], data["label"], HEAD)
    assert values(found) == rows(NUMBERS)
    # A part of it is a dict of lists.
    assert values(as_examples(data[:3], None, HEAD)) == rows(NUMBERS)
    with pytest.raises(InputError, match="Received: 'train'. Choose"):
        as_examples(datasets.DatasetDict({"train": data}), None, HEAD)
    del data
    gc.collect()


def test_hugging_face_tags_are_named():
    datasets = pytest.importorskip("datasets")
    names = ["O", "B-PER", "I-PER"]
    tags = datasets.Sequence(datasets.ClassLabel(names=names))
    data = datasets.Dataset.from_dict(
        {"tokens": [["Ada", "L", "wrote"]], "ner_tags": [[1, 2, 0]]},
        features=datasets.Features(
            {
                "tokens": datasets.Sequence(datasets.Value("string")),
                "ner_tags": tags,
            }
        ),
    )
    found = as_examples(data, None, TaggingHead, columns={"tags": "ner_tags"})
    assert values(found) == [
        {"tokens": ["Ada", "L", "wrote"], "tags": ["B-PER", "I-PER", "O"]}
    ]
