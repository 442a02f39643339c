import random

import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo.data import FileExamples
from keras_bert_zoo.data import InputCounts
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import PredictionBatches
from keras_bert_zoo.data import build_dataset
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import TaskHead


def make_rows(count, longest=20):
    """Row `i` is labelled `i` and has a length of its own."""
    draw = random.Random(0)
    texts = [" ".join("b" * draw.randint(1, longest)) for _ in range(count)]
    return MemoryExamples({"text": texts, "label": list(range(count))})


def batches(rows, head, tokenizer, passes=1, **options):
    dataset = build_dataset(
        rows, head, tokenizer, **{"sequence_length": 32, **options}
    )
    found = [list(dataset.as_numpy_iterator()) for _ in range(passes)]
    return found[0] if passes == 1 else found


def labels_of(found):
    return [batch[1].tolist() for batch in found]


def test_a_batch_is_padded_to_its_longest_sequence(head, tokenizer):
    rows = MemoryExamples({"text": ["a b", "b", "c c c"], "label": [0, 1, 2]})
    first, second = batches(rows, head, tokenizer, batch_size=2)
    inputs, labels = first
    assert inputs["token_ids"].tolist() == [[2, 99], [1, 2]]
    assert inputs["segment_ids"].tolist() == [[0, 0], [0, 0]]
    assert inputs["padding_mask"].tolist() == [[1, 0], [1, 1]]
    assert labels.tolist() == [1, 0]
    assert second[0]["token_ids"].tolist() == [[3, 3, 3]]


@pytest.mark.parametrize(
    ("count", "shuffle"),
    [(1, False), (32, False), (33, True), (300, True)],
)
def test_every_example_comes_once(head, tokenizer, count, shuffle):
    found = batches(
        make_rows(count), head, tokenizer, batch_size=4, shuffle=shuffle
    )
    assert sorted(sum(labels_of(found), [])) == list(range(count))


def test_a_pass_ends_at_once(head, tokenizer):
    # Its thread is waited for, which sleeps for up to a minute.
    dataset = build_dataset(make_rows(5), head, tokenizer, sequence_length=32)
    assert dataset.options().autotune.enabled is False


def test_examples_keep_their_labels(head, tokenizer):
    rows = make_rows(200)
    length = {
        row.values["label"]: len(row.values["text"].split()) for row in rows
    }
    for inputs, labels in batches(rows, head, tokenizer, shuffle=True):
        found = inputs["padding_mask"].sum(axis=1).tolist()
        assert found == [length[label] for label in labels]


def test_without_shuffle_the_shortest_come_first(head, tokenizer):
    found = batches(make_rows(200), head, tokenizer, batch_size=8)
    bucket_lengths = [batch[0]["token_ids"].shape[1] for batch in found]
    assert bucket_lengths == sorted(bucket_lengths)


def test_shuffle_mixes_the_order_of_batches(head, tokenizer):
    found = batches(make_rows(200), head, tokenizer, batch_size=8, shuffle=True)
    bucket_lengths = [batch[0]["token_ids"].shape[1] for batch in found]
    assert bucket_lengths != sorted(bucket_lengths)


def test_like_lengths_leave_little_padding(head, tokenizer):
    counts = InputCounts()
    batches(make_rows(2000), head, tokenizer, counts=counts, shuffle=True)
    assert 0 < counts.padding_fraction < 0.03


@pytest.mark.parametrize(
    "options",
    [{"tokens_per_batch": 100}, pytest.param({}, marks=pytest.mark.slow)],
)
def test_same_seed_same_batches(head, tokenizer, options):
    def run(seed):
        return batches(
            make_rows(300),
            head,
            tokenizer,
            passes=2,
            shuffle=True,
            seed=seed,
            **options,
        )

    first, again, other = run(1), run(1), run(2)
    for one, two in zip(sum(first, []), sum(again, []), strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, two)
    assert labels_of(first[0]) != labels_of(other[0])
    assert labels_of(first[0]) != labels_of(first[1])


def test_a_trial_is_like_the_first_pass_and_counts_once(head, tokenizer):
    counts = InputCounts()
    dataset = build_dataset(
        make_rows(300),
        head,
        tokenizer,
        sequence_length=32,
        shuffle=True,
        num_trials=1,
        counts=counts,
    )
    trial = labels_of(dataset.as_numpy_iterator())
    counts.finish()
    assert labels_of(dataset.as_numpy_iterator()) == trial
    assert labels_of(dataset.as_numpy_iterator()) != trial
    assert counts.num_examples == 300


def test_global_seed_plays_no_part(head, tokenizer):
    found = []
    for seed in (1, 2):
        tf.random.set_seed(seed)
        found.append(batches(make_rows(99), head, tokenizer, shuffle=True))
    assert labels_of(found[0]) == labels_of(found[1])


def test_batches_stay_within_the_budget(head, tokenizer):
    found = batches(
        make_rows(300), head, tokenizer, shuffle=True, tokens_per_batch=64
    )
    assert sorted(sum(labels_of(found), [])) == list(range(300))
    assert max(batch[0]["token_ids"].size for batch in found) <= 64
    assert len({len(batch[1]) for batch in found}) > 3


def test_drop_remainder_makes_every_batch_whole(head, tokenizer):
    dataset = build_dataset(
        make_rows(21),
        head,
        tokenizer,
        sequence_length=32,
        batch_size=4,
        drop_remainder=True,
    )
    assert dataset.element_spec[1].shape == (4,)
    assert dataset.element_spec[0]["token_ids"].shape[0] == 4
    assert labels_of(dataset.as_numpy_iterator())
    assert [len(labels) for _, labels in dataset] == [4] * 5


@pytest.mark.parametrize(
    ("count", "drop"),
    [(5, True), (256, False), (260, False), (260, True)],
)
def test_number_of_batches_is_known(head, tokenizer, count, drop):
    dataset = build_dataset(
        make_rows(count),
        head,
        tokenizer,
        sequence_length=32,
        batch_size=4,
        num_examples=count,
        drop_remainder=drop,
    )
    assert dataset.cardinality() == len(list(dataset))


def test_long_texts_are_truncated_and_counted(head, tokenizer):
    counts = InputCounts()
    rows = MemoryExamples(
        {"text": ["a", "a b c d", "a b c", "e d c b a"], "label": [0] * 4}
    )
    found = batches(
        rows, head, tokenizer, passes=2, sequence_length=3, counts=counts
    )
    assert found[0][0][0]["token_ids"].shape == (4, 3)
    assert (counts.num_examples, counts.num_truncated) == (4, 2)
    assert (counts.num_tokens, counts.num_padded_tokens) == (10, 12)


def test_weights_of_examples_pass_through(make_head, tokenizer):
    head = make_head(weighted=True)
    for _, labels, weights in batches(make_rows(9), head, tokenizer):
        assert weights.tolist() == (labels / 2).tolist()


def test_labels_of_tokens_are_padded_like_the_inputs(make_head, tokenizer):
    rows = MemoryExamples({"text": ["a", "a b c"], "label": [0, 0]})
    ((_, labels),) = batches(rows, make_head(per_token=True), tokenizer)
    assert labels.tolist() == [[10, 0, 0], [10, 20, 30]]


def prediction_batches(head, tokenizer):
    return PredictionBatches(
        head,
        lambda examples: head.features(examples, tokenizer, 32),
        tokenizer,
    )


def test_prediction_batches_carry_example_numbers(head, tokenizer):
    texts = [row.values["text"] for row in make_rows(700)]
    read = prediction_batches(head, tokenizer)
    found = {}
    for batch, _, numbers in read(
        MemoryExamples({"text": texts}), batch_size=4
    ):
        lengths = batch["inputs"]["padding_mask"].numpy().sum(axis=1)
        found.update(zip(numbers.tolist(), lengths.tolist(), strict=True))
    assert found == {i: len(t.split()) for i, t in enumerate(texts)}


def test_an_error_in_an_example_reaches_the_reader(head, tokenizer, write):
    path = write("a.tsv", "label\ttext\n1\ta\nx\tb\n")
    rows = FileExamples(path, {"text": "text", "label": "label"})
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"a.tsv:3: label"):
        batches(rows, head, tokenizer)


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        (
            {"batch_size": 0},
            "`batch_size` must be a whole number.*batch_size=0",
        ),
        (
            {"sequence_length": 0},
            "`sequence_length` must be a whole number, at least",
        ),
        (
            {"seed": -1},
            "`seed` must be .* at least 0. Received: seed=-1",
        ),
        (
            {"tokens_per_batch": 31},
            "tokens_per_batch=31, sequence_length=32. Raise the first",
        ),
        (
            {"tokens_per_batch": 64, "drop_remainder": True},
            "no remainder to drop",
        ),
    ],
)
def test_bad_arguments_are_refused(head, tokenizer, options, pattern):
    with pytest.raises(InputError, match=pattern):
        batches(make_rows(3), head, tokenizer, **options)


def test_python_runs_per_example_only_in_the_reader(head, tokenizer):
    calls = {"example": 0, "features": 0}

    class Watched(type(head)):
        def example(self, *args):
            calls["example"] += 1
            return super().example(*args)

        def features(self, *args):
            calls["features"] += 1
            return super().features(*args)

    batches(make_rows(5000), Watched(), tokenizer, passes=3, shuffle=True)
    assert calls["example"] == 3 * 5000
    # Traced into the graph when the data set is made, and not called again.
    assert calls["features"] == 1


class DrawingHead(TaskHead):
    """Labels each text with a number drawn from the seed it is given."""

    label_fields = ()

    def features(self, examples, tokenizer, sequence_length):
        token_ids = tokenizer.tokenize(examples["text"])
        drawn = None
        if "random_seed" in examples:
            drawn = tf.random.stateless_uniform(
                [token_ids.nrows()], examples["random_seed"]
            )
        inputs = {"token_ids": token_ids, "segment_ids": token_ids}
        return Features(inputs, drawn, None, token_ids.row_lengths())


def drawn(tokenizer, passes=1, **options):
    dataset = build_dataset(
        MemoryExamples({"text": ["a b"] * 6}),
        DrawingHead(),
        tokenizer,
        sequence_length=8,
        batch_size=6,
        **options,
    )
    return [
        labels.tolist()
        for _ in range(passes)
        for _, labels in dataset.as_numpy_iterator()
    ]


@pytest.mark.parametrize(
    "shuffle", [True, pytest.param(False, marks=pytest.mark.slow)]
)
def test_heads_draw_anew_in_each_pass(tokenizer, shuffle):
    first, second = drawn(tokenizer, 2, shuffle=shuffle, seed=3)
    assert len({*first, *second}) == 12
    again = drawn(tokenizer, 2, shuffle=shuffle, seed=3)
    assert [first, second] == again
    assert again != drawn(tokenizer, 2, shuffle=shuffle, seed=4)


def test_heads_draw_alike_in_each_pass_without_a_seed(tokenizer):
    first, second = drawn(tokenizer, 2, seed=None)
    assert first == second


def test_answers_are_not_random(tokenizer):
    batches = prediction_batches(DrawingHead(), tokenizer)
    ((batch, context, example_index),) = batches(
        MemoryExamples({"text": ["a"]}), 2
    )
    assert (set(context), example_index.tolist()) == (set(), [0])
    assert batch["inputs"]["token_ids"].numpy().tolist() == [[1]]


def test_saved_batches_are_those_of_each_pass(head, tokenizer, tmp_path):
    def build():
        return build_dataset(
            make_rows(20),
            head,
            tokenizer,
            sequence_length=32,
            batch_size=3,
            shuffle=True,
            num_examples=20,
        )

    build().repeat(2).save(str(tmp_path / "batches"))
    saved = tf.data.Dataset.load(str(tmp_path / "batches"))
    assert int(saved.cardinality()) == 2 * int(build().cardinality())
    again = list(build().repeat(2).as_numpy_iterator())
    for one, other in zip(saved.as_numpy_iterator(), again, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_features_are_traced_once_for_each_config(make_head, tokenizer):
    class Counted(make_head):
        num_traces, factor = 0, 1

        def get_config(self):
            return {"factor": self.factor}

        def features(self, examples, *arguments):
            self.num_traces += 1
            found = super().features(examples, *arguments)
            return found._replace(labels=found.labels * self.factor)

    head = Counted()
    for _ in range(2):
        (found,) = labels_of(batches(make_rows(3), head, tokenizer))
    assert (head.num_traces, sorted(found)) == (1, [0, 1, 2])
    head.factor = 10
    (found,) = labels_of(batches(make_rows(3), head, tokenizer))
    assert (head.num_traces, sorted(found)) == (2, [0, 10, 20])


def test_a_head_without_a_config_for_json_trains(make_head, tokenizer):
    class Held(make_head):
        def get_config(self):
            return {"table": object()}

    (found,) = labels_of(batches(make_rows(3), Held(), tokenizer))
    assert sorted(found) == [0, 1, 2]
