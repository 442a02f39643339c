"""A report is one sound page that says what it was given."""

import html.parser

import keras
import numpy as np
import pytest

import keras_bert_zoo as zoo
from keras_bert_zoo import reporting
from keras_bert_zoo.reporting.environment import environment
from keras_bert_zoo.reporting.report import learning_rates
from keras_bert_zoo.task.report_tables import MarkedText
from keras_bert_zoo.task.report_tables import Table
from keras_bert_zoo.training.model import ReplicatedModel

EVIL = "<script>alert('1')</script> & \"more\""
HISTORY = [
    {"epoch": 1, "accuracy": 0.5, "loss": 0.6931, "val_loss": 0.7},
    {"epoch": 2, "accuracy": 0.75, "loss": 0.25, "val_loss": float("nan")},
]


class Page(html.parser.HTMLParser):
    """Reads a page whose elements must all be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.links = [], [], []
        self._open = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [v for k, v in attributes if k in ("src", "href")]
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def write(folder, **parts):
    report = reporting.Report(
        **{
            "title": "run",
            "history": HISTORY,
            "rates": [(1, 1e-4), (2, 0.0)],
            "answers": [],
            "facts": {},
            **parts,
        }
    )
    reporting.write_report(report, folder / "report.html")
    return (folder / "report.html").read_text("utf-8")


def test_a_page_is_well_formed_and_alone(tmp_path):
    page = Page(write(tmp_path))
    assert page.tags.count("svg") == 3
    assert not page.links
    assert "script" not in page.tags


@pytest.mark.parametrize(
    "parts",
    [
        {"title": EVIL},
        {"history": [{"epoch": 1, EVIL: 0.5}]},
        {"answers": [Table(EVIL, ("a",), [("b",)])]},
        {"answers": [Table("t", (EVIL, "b"), [("c", "d")])]},
        {"answers": [Table("t", ("a", "b"), [(EVIL, "d")])]},
        {"answers": [Table("t", ("a", "b"), [("c", EVIL)])]},
        {
            "answers": [
                Table("t", ("a", "b"), [("c", MarkedText([[(EVIL, "x")]]))])
            ]
        },
        {
            "answers": [
                Table("t", ("a", "b"), [("c", MarkedText([[("x", EVIL)]]))])
            ]
        },
        {"facts": {EVIL: {"a": 1}}},
        {"facts": {"a": {EVIL: 1}}},
        {"facts": {"a": {"b": EVIL}}},
        {"facts": {"a": {"b": [EVIL]}}},
    ],
)
def test_every_text_is_escaped(tmp_path, parts):
    text = write(tmp_path, **parts)
    page = Page(text)
    assert "<script" not in text
    assert any("<script>alert(" in shown for shown in page.texts)


def test_a_name_without_utf8_form_is_shown(tmp_path):
    texts = Page(write(tmp_path, facts={"Data": {"file": "q\udcff"}})).texts
    assert r"q\udcff" in texts


def test_all_epochs_are_shown(tmp_path):
    texts = Page(write(tmp_path)).texts
    for row in HISTORY:
        for value in row.values():
            assert (f"{value:.5g}" if value == value else "nan") in texts


@pytest.mark.parametrize("number", [3, 3.0, np.float32(3.0), np.int64(3)])
def test_whole_numbers_are_shown_whole(tmp_path, number):
    rows = [(number, number)]
    page = Page(write(tmp_path, answers=[Table("t", ("a", "b"), rows)]))
    assert page.texts.count("3") == 2
    assert "3.0" not in page.texts


def test_a_marked_text_has_its_lines_below_each_other(tmp_path):
    lines = [[("in ", ""), ("Oslo", "city")], [("in Oslo", "")]]
    rows = [("a.tsv:1", MarkedText(lines))]
    text = write(tmp_path, answers=[Table("t", ("a", "b"), rows)])
    assert (
        "<div>in <mark>Oslo <b>city</b></mark></div><div>in Oslo</div>" in text
    )


def test_a_wide_table_is_cut_into_some_below_each_other(tmp_path):
    row = {"epoch": 1, **{f"m{n}": n + 1000.5 for n in range(20)}}
    page = Page(write(tmp_path, history=[row]))
    assert page.texts.count("All epochs") == 1
    assert page.texts.count("All epochs, continued") == 2
    assert page.texts.count("epoch") >= 3
    shown = [page.texts.index(f"{n + 1000.5}") for n in range(20)]
    assert shown == sorted(shown)


def test_long_texts_lose_their_ends(tmp_path):
    text = "x" * 500
    page = Page(write(tmp_path, answers=[Table("t", ("a",), [(text,)])]))
    assert "x" * 239 + "…" in page.texts


def test_the_rate_is_that_of_the_schedule():
    rate = keras.optimizers.schedules.PolynomialDecay(1.0, 4, 0.2)
    optimizer = zoo.AdamW(rate)
    optimizer.build([])
    optimizer.iterations.assign(3)
    assert learning_rates(optimizer, []) == [
        (step, pytest.approx(value))
        for step, value in ((1, 1.0), (2, 0.8), (3, 0.6))
    ]


def test_without_a_schedule_the_rate_is_that_of_the_epochs():
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build([])
    optimizer.iterations.assign(8)
    history = [{"epoch": 1, "learning_rate": 0.5}]
    history.append({"epoch": 2, "learning_rate": 0.1})
    assert learning_rates(optimizer, history) == [(4.0, 0.5), (8.0, 0.1)]


def test_the_environment_names_versions_and_precision():
    inputs = keras.Input((2,))
    model = ReplicatedModel(inputs, keras.layers.Dense(1)(inputs))
    model.compile("adam", "mse")
    found = environment(model)
    assert found["Keras"] == keras.__version__
    assert found["precision"] == "float32"
    assert found["strategy"] == "none, one device"
    assert found["optimizer"] == "Adam"
    assert found["processor"]
