import pytest

from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import batches
from keras_bert_zoo.data.batches import Chunks


def rows_of(count, text="a"):
    return MemoryExamples({"text": [text] * count, "label": list(range(count))})


def read(passes=1, **options):
    """Row numbers of each chunk, of each pass."""
    dataset = Chunks(with_label=True, **options).dataset()
    found = []
    for _ in range(passes):
        found.append([])
        for columns, _, _ in dataset.as_numpy_iterator():
            assert (columns["label"] == columns["example_index"]).all()
            found[-1].append(columns["example_index"].tolist())
    return found


def test_chunks_follow_the_examples(head):
    (found,) = read(examples=rows_of(7), head=head, unit=2, max_examples=4)
    assert found == [[0, 1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("shuffle", [False, True])
def test_large_texts_make_small_windows(head, monkeypatch, shuffle):
    monkeypatch.setattr(batches, "CHUNK_BYTES", 1000)
    rows = rows_of(15, text="a" * 300)
    (found,) = read(
        examples=rows, head=head, unit=2, max_examples=12, shuffle=shuffle
    )
    assert max(map(len, found)) <= 4
    assert [len(chunk) % 2 for chunk in found[:-1]] == [0] * (len(found) - 1)


@pytest.mark.parametrize("limit", ["SHUFFLED_EXAMPLES", "SHUFFLED_BYTES"])
def test_overflowing_shuffle_keeps_every_example_once(head, monkeypatch, limit):
    monkeypatch.setattr(batches, limit, 50)
    (found,) = read(
        examples=rows_of(203),
        head=head,
        unit=4,
        max_examples=12,
        shuffle=True,
        seed=3,
    )
    order = sum(found, [])
    assert sorted(order) == list(range(203))
    assert order != sorted(order)
    assert all(len(chunk) % 4 == 0 for chunk in found[:-1])


def test_shuffle_mixes_all_examples(head):
    ((found,),) = read(
        examples=rows_of(1000),
        head=head,
        unit=1,
        max_examples=1000,
        shuffle=True,
    )
    # Far rows trade places: the mean distance of a full shuffle is a third.
    moved = [abs(place - row) for place, row in enumerate(found)]
    assert sum(moved) / len(moved) > 250


def test_order_differs_from_pass_to_pass(head):
    options = {
        "examples": rows_of(50),
        "head": head,
        "unit": 1,
        "max_examples": 9,
    }
    first, second = read(2, shuffle=True, seed=3, **options)
    assert first != second


def test_order_depends_on_the_seed_alone(head):
    options = {
        "examples": rows_of(50),
        "head": head,
        "unit": 1,
        "max_examples": 9,
    }
    options["shuffle"] = True
    assert read(2, seed=3, **options) == read(2, seed=3, **options)
    assert read(2, seed=3, **options) != read(2, seed=4, **options)


def test_without_a_seed_every_pass_is_the_same(head):
    options = {
        "examples": rows_of(50),
        "head": head,
        "unit": 1,
        "max_examples": 9,
    }
    first, second = read(2, shuffle=True, **options)
    assert first == second
