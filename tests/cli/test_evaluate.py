import json

import every_head
import pytest

import keras_bert_zoo as zoo_package
from keras_bert_zoo.cli.verbs.evaluate import metric_lines


@pytest.fixture
def evaluate(zoo, folder, trained):
    def run(*arguments, data="train.tsv"):
        return zoo(
            "evaluate",
            folder / "model",
            "--data",
            folder / data,
            *arguments,
        )

    return run


def test_metrics_are_printed(evaluate):
    outcome = evaluate()
    assert outcome.status == 0
    rows, *metrics = outcome.out.splitlines()
    assert rows == "8 examples (good: 4, bad: 4)"
    assert {line.split()[0] for line in metrics} == {
        "loss",
        "accuracy",
        "macro_f1",
        "mcc",
    }


def test_columns_of_long_names_stay_apart():
    types = {"a" * 40: {"f1": 0.5, "support": 3}, "b": {"f1": 1.0}}
    assert metric_lines({"loss": 0.25, "n": 2, "types": types}) == [
        "loss 0.2500",
        "n 2",
        f"types {'a' * 40}  f1 0.5000  support 3",
        f"types b{' ' * 39}  f1 1.0000",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tags", "several tasks"])
def test_nothing_is_printed_under_two_names(name):
    head, rows = every_head.HEADS[name]
    result = zoo_package.evaluate(every_head.make_model(head()), data=rows)
    prefix = "" if name == "tags" else "slots_"
    wanted = {f"{prefix}accuracy", f"{prefix}f1"}
    assert set(result.repeated) == wanted <= set(result.metrics)
    lines = metric_lines(result.metrics, result.repeated)
    assert not wanted & {line.split()[0] for line in lines}
    assert any("token_accuracy" in line for line in lines)
    assert any("micro" in line for line in lines)


def test_json_is_all_there_is_on_stdout(evaluated):
    content = json.loads(evaluated.out)
    assert content["num_examples"] == 8
    assert 0 <= content["accuracy"] <= 1
    assert evaluated.error == ""


def test_a_missing_file_is_named(evaluate):
    outcome = evaluate(data="absent.tsv")
    assert outcome.status == 2
    assert outcome.error.endswith("absent.tsv: No such file or directory\n")


@pytest.mark.parametrize(
    ("name", "what"),
    [("preset", "an encoder alone"), ("absent", "nothing there")],
)
def test_a_directory_that_is_no_model_is_refused(zoo, folder, name, what):
    outcome = zoo("evaluate", folder / name, "--data", folder / "train.tsv")
    assert outcome.status == 2
    assert str(folder / name) in outcome.error
    assert what in outcome.error
    assert outcome.error.count("\n") == 1


@pytest.mark.slow
def test_a_label_that_was_not_trained_counts_as_wrong(evaluate, folder):
    (folder / "wrong.tsv").write_text("text\tlabel\nfine\tfair\n")
    outcome = evaluate(data="wrong.tsv")
    assert outcome.status == 0
    assert "accuracy 0.0000" in " ".join(outcome.out.split())


def test_a_missing_label_names_file_and_line(evaluate, folder):
    (folder / "wrong.tsv").write_text("text\tlabel\nfine\t\n")
    outcome = evaluate(data="wrong.tsv")
    assert outcome.status == 2
    assert "wrong.tsv:2: A label must be a name or an index" in outcome.error
