"""Readers on data that nobody on this project wrote."""

import os
import pathlib

import pytest

from keras_bert_zoo.data import FileExamples
from keras_bert_zoo.data import check_examples

ROOT = pathlib.Path(__file__).parents[3]
DATA = ROOT / os.environ.get("KBZ_SHARED", "../shared") / "data"

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="needs the published data sets (KBZ_SHARED)"
)


class AnyHead:
    """Takes every row as it is."""

    text_fields = ("text",)
    label_fields = ("label",)
    other_fields = ()

    def example(self, values, with_label):
        return {"text": values["text"], "label": values["label"]}

    def example_spec(self, with_label):
        return {"text": ("string", ()), "label": ("string", ())}

    def remark(self, values):
        return None


@pytest.mark.parametrize(
    ("name", "text", "label", "num_examples", "num_labels"),
    [
        ("sst2/train.tsv.gz", "sentence", "label", 6920, 2),
        ("sst2/test.tsv", "sentence", "label", 1821, 2),
        ("trec/train.tsv", "text", "coarse", 5452, 6),
        ("banking77/train.csv.gz", "text", "category", 10003, 77),
        ("banking77/test.csv", "text", "category", 3080, 77),
        ("mrpc/train.tsv.gz", "#1 String", "Quality", 3576, 2),
        ("mrpc/test.tsv", "#2 String", "Quality", 1725, 2),
        ("movie_reviews_docs/all.jsonl.gz", "id", "label", 2000, 2),
    ],
)
def test_examples_and_labels_are_as_published(
    name, text, label, num_examples, num_labels
):
    rows = FileExamples(DATA / name, {"text": text, "label": label})
    report = check_examples(rows, AnyHead())
    assert report.num_examples == num_examples
    assert len(report.label_counts) == num_labels


def test_a_file_without_header_and_with_spare_columns():
    path = DATA / "stsb/sts-train.csv.gz"
    rows = FileExamples(path, {"text": 5, "label": 4}, format="tsv")
    assert check_examples(rows, AnyHead()).num_examples == 5749
    scores = [float(row.values["label"]) for row in rows]
    assert (min(scores), max(scores)) == (0.0, 5.0)
