"""Options follow from a workflow's signature and docstring."""

from typing import Any
from typing import Literal

import numpy as np
import pytest

from keras_bert_zoo.arguments import Fraction
from keras_bert_zoo.arguments import Model
from keras_bert_zoo.arguments import Rows
from keras_bert_zoo.arguments import Steps
from keras_bert_zoo.arguments import Texts
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.workflows import convert
from keras_bert_zoo.workflows import evaluate
from keras_bert_zoo.workflows import export
from keras_bert_zoo.workflows import finetune
from keras_bert_zoo.workflows import predict
from keras_bert_zoo.workflows.options import options_of

WORKFLOWS = [
    convert.convert,
    evaluate.evaluate,
    export.export,
    finetune.finetune,
    predict.predict,
]


def bake(
    model: Model,
    flour: str,
    *,
    rate: Fraction = 0.5,
    steps: Steps | None = None,
    dry: bool = False,
    form: Literal["round", "long"] = "round",
    rows: Rows | None = None,
    text: Texts | None = None,
    callback: Any = None,
    **others: Any,
):
    """Bakes.

    Args:
        model: the oven.
        flour: which one, and a long text
            about it.
        rate: how much.
        steps: how often.

    Args, further:
        dry: whether it is dry.
        form: of the bread.
        rows: of bread.
        text: on it.

    Args, Python alone:
        callback: for Python.
        **others: for plugins.

    Returns:
        nothing: not an argument.
    """


@pytest.fixture(scope="module")
def options():
    return {one.name: one for one in options_of(bake)}


def test_arguments_of_other_types_are_no_options(options):
    assert list(options) == [
        "model",
        "flour",
        "rate",
        "steps",
        "dry",
        "form",
        "rows",
        "text",
    ]


def test_help_and_group_are_those_of_the_docstring(options):
    assert options["flour"].help == "which one, and a long text about it"
    assert options["flour"].group == ""
    assert options["dry"].group == options["text"].group == "further"
    assert options["text"].help == "on it"


def test_the_signature_says_what_is_required_and_first(options):
    assert [o.name for o in options.values() if o.is_required] == [
        "model",
        "flour",
    ]
    assert [o.name for o in options.values() if o.is_positional] == ["model"]
    assert options["rate"].default == 0.5
    assert options["form"].choices == ("round", "long")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("rate", 1, 1.0),
        ("rate", np.float32(0.5), 0.5),
        ("steps", np.int64(3), 3),
        ("steps", None, None),
        ("dry", np.bool_(True), True),
        ("form", "long", "long"),
        ("text", "one", ["one"]),
        ("text", ("one", "two"), ["one", "two"]),
        ("rows", [{"text": "a"}], [{"text": "a"}]),
    ],
)
def test_a_value_becomes_one_of_its_type(options, name, value, expected):
    found = options[name].checked(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("rate", 1.5, "between 0 and 1"),
        ("rate", float("nan"), "between 0 and 1"),
        ("rate", "0.5", "between 0 and 1"),
        ("rate", True, "between 0 and 1"),
        ("rate", None, "between 0 and 1"),
        ("steps", 0, "between 1 and"),
        ("steps", 1.0, "a whole number"),
        ("steps", True, "a whole number"),
        ("dry", "no", "true or false"),
        ("dry", 0, "true or false"),
        ("form", "flat", "one of round, long"),
        ("form", ["long"], "one of round, long"),
        ("flour", 3, "a text"),
        ("flour", b"rye", "a text"),
        ("text", [1], "list of texts"),
        ("text", 1, "list of texts"),
        ("text", {"one": 1}, "list of texts"),
        ("rows", "train\0.tsv", "a path"),
    ],
)
def test_another_value_is_refused(options, name, value, rule):
    with pytest.raises(InputError, match=rule) as caught:
        options[name].checked(value)
    assert f"{name}=" in str(caught.value)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_every_default_is_allowed(workflow):
    options = [one for one in options_of(workflow) if not one.is_required]
    for one in options:
        assert one.checked(one.default) == one.default


def test_options_of_several_workflows_are_explained_once():
    def helps(workflow):
        return {one.name: (one.group, one.help) for one in options_of(workflow)}

    columns = ("text_column", "label_column", "data_format")
    explained = helps(finetune.finetune)
    assert "number from 0" in explained["text_column"][1]
    for name in columns:
        assert helps(evaluate.evaluate)[name] == explained[name]
    assert helps(export.export)["model"] == helps(evaluate.evaluate)["model"]
