"""The workflows as Python functions: results, no output, errors."""

import inspect
import pathlib
import re

import numpy as np
import pytest

import keras_bert_zoo as zoo
from keras_bert_zoo import data
from keras_bert_zoo import presets
from keras_bert_zoo import registry
from keras_bert_zoo import testing
from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.workflows.examples import CountedExamples
from keras_bert_zoo.workflows.examples import HeldOut
from keras_bert_zoo.workflows.progress import Progress
from task_heads.classification.head import ClassificationHead

TEXTS = ["a fine day", "very good", "a poor day", "very bad " * 30]
LABELS = ["good", "good", "bad", "bad"]


class Notes(Progress):
    def __init__(self):
        super().__init__()
        self.topics, self.saves, self.epochs = [], [], 0
        self.work = []

    def on_note(self, topic, text):
        self.topics.append(topic)

    def on_work(self, what, done=0, total=None):
        self.work.append((what, done, total))

    def on_save(self):
        self.saves.append(pathlib.Path("model").is_dir())

    def on_train_batch_end(self, batch, logs=None):
        assert self.throughput.tokens_per_second > 0
        assert self.backup.epoch == 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workflows") / "preset"
    tokenizer = testing.tiny_tokenizer(TEXTS)
    encoder = testing.tiny_encoder(
        len(tokenizer.vocabulary), dropout=0.0, attention_dropout=0.0
    )
    presets.save_preset(encoder, tokenizer, folder)
    return folder


@pytest.fixture(scope="module")
def run(preset, tmp_path_factory):
    """A result, what progress was heard of, and all that was printed."""
    out = tmp_path_factory.mktemp("run") / "model"
    notes = Notes()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(out.parent)
        result = zoo.finetune(
            head="classification",
            preset=preset,
            train=(TEXTS, LABELS),
            validation=[
                {"text": text, "label": label}
                for text, label in zip(TEXTS, LABELS)
            ],
            out=out,
            epochs=2,
            patience=1,
            batch_size=2,
            # At such a rate no weight changes.
            learning_rate=1e-12,
            label_smoothing=0.1,
            progress=notes,
        )
    return result, notes


def test_a_result_says_what_the_run_did(run):
    result, _ = run
    assert (result.best_epoch, result.stopped_epoch) == (1, 2)
    assert result.best_by == "val_accuracy"
    assert len(result.history) == 2
    assert result.history[0]["val_accuracy"] == result.metrics["accuracy"]
    assert (result.num_examples, result.num_truncated) == (4, 1)
    assert result.truncation.startswith("1 of 4 texts")
    assert 0 < result.padding_fraction < 1
    assert (result.learning_rate, result.learning_rate_reason) == (1e-12, "")
    assert result.precision == "float32"
    assert result.tuned == {}
    assert "no better than always answering" in result.warnings[0]


def test_a_result_has_the_model_and_its_files(run):
    result, _ = run
    assert result.model.head.label_smoothing == 0.1
    folder = pathlib.Path(result.directory)
    assert pathlib.Path(result.report) == folder / "report.html"
    assert (folder / "history.csv").is_file()
    loaded = TaskModel.from_preset(result.directory)
    for one, other in zip(
        loaded.get_weights(), result.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_the_model_card_has_data_metrics_and_hyperparameters(run):
    result, _ = run
    card = (pathlib.Path(result.directory) / "README.md").read_text()
    accuracy = result.metrics["accuracy"]
    for row in ("train examples | 4", f"accuracy | {accuracy:.4f}"):
        assert f"| {row} |" in card
    assert "| learning_rate | 1e-12 |" in card


def test_what_only_python_can_give_is_named_in_the_record(run):
    result, _ = run
    record = (pathlib.Path(result.directory) / "run.toml").read_text()
    assert "# train: tuple" in record
    assert "# validation: list" in record
    assert "label_smoothing = 0.1" in record


def test_progress_is_reported(run):
    _, notes = run
    assert notes.topics == ["train", "validation", "model"]
    assert notes.saves == [True]
    assert notes.epochs == 2
    parts = list(dict.fromkeys(what for what, _, _ in notes.work))
    assert parts == [
        "reading train",
        "reading validation",
        "loading the model",
        "preparing",
        "answering validation",
        "saving",
        "writing the report",
    ]


def test_progress_of_answers_is_reported(run):
    result, _ = run
    notes = Notes()
    zoo.predict(result.directory, text=TEXTS, batch_size=2, progress=notes)
    assert notes.work == [
        ("loading the model", 0, None),
        ("reading texts", 0, None),
        ("predicting", 0, 4),
        ("predicting", 2, 4),
        ("predicting", 4, 4),
    ]


def test_progress_of_reading_is_reported():
    notes = Notes()
    rows = MemoryExamples({"text": ["a"] * 2001})
    assert len(list(CountedExamples(rows, notes, "texts"))) == 2001
    assert notes.work == [("reading texts", n, None) for n in (0, 1000, 2000)]


@pytest.mark.slow
def test_validation_is_answered_once_an_epoch(preset, tmp_path, monkeypatch):
    calls, reported = [], []
    answer = TaskModel.iterate_answers

    def counted(self, *arguments):
        calls.append(self)
        return answer(self, *arguments)

    def tables(self, examples, answers):
        reported.extend(answers)
        return []

    monkeypatch.setattr(TaskModel, "iterate_answers", counted)
    monkeypatch.setattr(TaskModel, "report_tables", tables)
    rows = [
        {"text": text, "label": float(number)}
        for number, text in enumerate(TEXTS)
    ]
    result = zoo.finetune(
        head="classification",
        kind="regression",
        best_by="spearman",
        preset=preset,
        train=rows,
        validation=rows,
        out=tmp_path / "model",
        epochs=2,
    )
    assert len(calls) == 2
    # The report has the answers of the best epoch.
    assert reported == list(answer(result.model, rows))


@pytest.mark.slow
def test_evaluate_takes_a_model_or_its_directory(run, capfd):
    result, _ = run
    found = [
        zoo.evaluate(model, data=(TEXTS, LABELS), batch_size=2)
        for model in (result.model, result.directory)
    ]
    assert found[0] == found[1]
    assert found[0].num_examples == 4
    assert found[0].label_counts == {"good": 2, "bad": 2}
    assert found[0].metrics["accuracy"] == result.metrics["accuracy"]
    assert capfd.readouterr().out == ""


def test_lines_of_a_text_file_are_answered(run, tmp_path):
    result, _ = run
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    expected = zoo.predict(result.model, text=TEXTS).answers
    assert zoo.predict(result.model, data=path).answers == expected
    other = path.rename(tmp_path / "texts.log")
    found = zoo.predict(result.model, data=other, data_format="lines")
    assert found.answers == expected


def test_predict_answers_in_order(run, capfd):
    result, _ = run
    found = zoo.predict(result.directory, text=TEXTS, batch_size=2)
    assert found.num_examples == 4
    assert list(found.answers) == result.model.predict_text(TEXTS, batch_size=2)
    (answer,) = zoo.predict(result.model, text=TEXTS[0]).answers
    assert set(answer) == {"label", "probability", "scores"}
    assert capfd.readouterr().out == ""


def test_answers_may_be_taken_one_by_one(run):
    result, _ = run
    heard = []
    found = zoo.predict(
        result.model,
        data=[{"text": text} for text in TEXTS],
        on_answer=lambda *answer: heard.append(answer),
    )
    assert list(found.answers) == []
    assert [(number, total) for _, number, total in heard] == [
        (1, 4),
        (2, 4),
        (3, 4),
        (4, 4),
    ]


class LabelExporter:
    """Writes nothing, so that the test is of what it is given."""

    def export(self, model, directory, overwrite, on_work):
        return {"labels": model.head.labels_by_index}


def test_export_reads_a_directory(run, tmp_path):
    result, _ = run
    registry.exporters.register("labels", LabelExporter)
    try:
        found = zoo.export(result.directory, tmp_path / "out", "labels")
    finally:
        registry.exporters.unregister("labels")
    assert found.format == "labels"
    assert found.directory == str(tmp_path / "out")
    assert found.manifest == {"labels": ["bad", "good"]}


@pytest.fixture(scope="module")
def own_head():
    return ClassificationHead(labels=["good", "bad"], pooling="mean")


@pytest.fixture(scope="module")
def run_of_own_head(own_head, preset, tmp_path_factory):
    """The result where little is given: no validation, no learning rate."""
    return zoo.finetune(
        head=own_head,
        preset=preset,
        train=(TEXTS, LABELS),
        out=tmp_path_factory.mktemp("own") / "model",
        epochs=1,
        freeze_encoder=True,
        encoder_dropout=0.3,
    )


def test_the_encoder_has_the_dropout_that_is_asked_for(run_of_own_head):
    config = run_of_own_head.model.encoder.get_config()
    assert (config["dropout"], config["attention_dropout"]) == (0.3, 0.3)


def test_a_dropout_of_two_is_refused_by_its_own_name(preset):
    with pytest.raises(zoo.InputError, match="Received: encoder_dropout=2.0"):
        zoo.TaskModel.from_preset(
            preset, "classification", labels=["a", "b"], encoder_dropout=2.0
        )


@pytest.mark.slow
def test_a_head_of_your_own_is_trained(run_of_own_head, own_head):
    assert run_of_own_head.model.head is own_head


def test_without_validation_there_is_no_best_epoch(run_of_own_head):
    result = run_of_own_head
    assert result.best_epoch is result.best_by is None
    assert result.metrics == {}


@pytest.mark.parametrize(("rate", "learns"), [(1e-12, False), (0.02, True)])
def test_without_validation_a_run_that_learned_nothing_says_so(
    preset, tmp_path, rate, learns
):
    result = zoo.finetune(
        head="classification",
        preset=preset,
        train=(["good", "good", "good", "bad"], ["yes", "yes", "yes", "no"]),
        out=tmp_path / "model",
        epochs=30 if learns else 1,
        learning_rate=rate,
        dropout=0.0,
    )
    if learns:
        assert result.warnings == []
    else:
        (warning,) = result.warnings
        assert "'yes' (75.0%), on the training examples. Try" in warning


def test_a_default_learning_rate_is_in_the_report(run_of_own_head):
    result = run_of_own_head
    assert result.learning_rate_reason
    page = pathlib.Path(result.report).read_text()
    row = re.search(r"<tr>(?:(?!</tr>).)*>learning_rate<.*?</tr>", page)
    assert f">{result.learning_rate:g}<" in row[0]


@pytest.mark.slow
def test_an_unknown_measure_is_refused_before_training(preset, tmp_path):
    notes = Notes()
    with pytest.raises(InputError) as caught:
        zoo.finetune(
            head="classification",
            preset=preset,
            train=(TEXTS, LABELS),
            validation=(TEXTS, LABELS),
            out=tmp_path / "model",
            best_by="kappa",
            progress=notes,
        )
    for fact in ("best_by=kappa", "accuracy", "macro_f1", "mcc", "loss"):
        assert fact in str(caught.value)
    assert notes.epochs == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"batch_size": "4"}, "batch_size='4'"),
        ({"weight_decay": float("nan")}, "weight_decay=nan"),
        ({"overwrite": "no"}, "overwrite='no'"),
        ({"schedule": "step"}, "one of constant, cosine"),
        ({"train": 5}, "int"),
        ({"nonsense": 1}, "nonsense"),
        ({"head": "nonsense"}, "tagging"),
        ({"head": 3}, "`head` must be the name.*Received: 3"),
        ({"head": ClassificationHead}, "`head` must be the name"),
        (
            {"head": ClassificationHead(["a", "b"]), "dropout": 0.5},
            "dropout",
        ),
    ],
)
def test_a_wrong_argument_is_an_input_error(preset, tmp_path, options, fact):
    arguments = {
        "head": "classification",
        "preset": preset,
        "train": (TEXTS, LABELS),
        "out": tmp_path / "model",
        **options,
    }
    with pytest.raises(InputError, match=fact):
        zoo.finetune(**arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "work",
    [
        lambda: zoo.evaluate(3, data=[{"text": "a", "label": "b"}]),
        lambda: zoo.predict(3, text="a"),
        lambda: zoo.export(3, out="exported", format="tflite"),
    ],
    ids=["evaluate", "predict", "export"],
)
def test_what_is_no_model_is_refused(work):
    with pytest.raises(InputError, match="must be a `TaskModel`.*Received: 3"):
        work()


def test_help_shows_arguments_and_defaults():
    parameters = inspect.signature(zoo.finetune).parameters
    assert parameters["batch_size"].default == 32
    assert parameters["schedule"].default == "linear"
    assert "batch_size: examples in a batch" in inspect.getdoc(zoo.finetune)


@pytest.mark.slow
def test_some_examples_are_held_out_and_files_read_in_part(preset, tmp_path):
    rows = [{"text": f"word {n}", "label": "ab"[n % 2]} for n in range(40)]
    given = {
        "head": "classification",
        "preset": preset,
        "train": [*rows, {"text": "rare", "label": "c"}],
        "epochs": 1,
        "hold_out": 0.25,
    }
    found = zoo.finetune(out=tmp_path / "model", limit=40, **given)
    assert 20 < found.num_examples < 40
    assert found.model.head.labels_by_index == ["a", "b"]
    assert found.best_epoch == 1
    assert found.metrics["accuracy"] >= 0
    with pytest.raises(InputError, match="hold_out=0.25 and validation"):
        zoo.finetune(out=tmp_path / "other", validation=rows, **given)


def test_held_out_examples_are_others_than_those_trained_on():
    rows = data.MemoryExamples({"text": [str(n) for n in range(1000)]})
    parts = [
        {one.values["text"] for one in HeldOut(rows, 0.2, 5, is_held_out)}
        for is_held_out in (True, False)
    ]
    assert not parts[0] & parts[1]
    assert len(parts[0] | parts[1]) == 1000
    assert 150 < len(parts[0]) < 250


def test_tables_are_trained_on_by_the_names_of_their_columns(preset, tmp_path):
    table = {"body": TEXTS, "kind": LABELS}
    found = zoo.finetune(
        head="classification",
        preset=preset,
        train=table,
        validation=table,
        text_column="body",
        label_column="kind",
        out=tmp_path / "model",
        epochs=1,
    )
    assert found.num_examples == 4
    with pytest.raises(InputError, match="The column 'text' does not exist"):
        zoo.finetune(
            head="classification",
            preset=preset,
            train=table,
            label_column="kind",
            out=tmp_path / "other",
        )


@pytest.mark.slow
def test_evaluate_and_predict_remember_the_columns(preset, tmp_path):
    path = tmp_path / "rows.csv"
    rows = [f"{text},{label}" for text, label in zip(TEXTS, LABELS)]
    path.write_text("\n".join(["body,kind", *rows]) + "\n")
    columns = {"text_column": "body", "label_column": "kind"}
    zoo.finetune(
        head="classification",
        preset=preset,
        train=path,
        out=tmp_path / "model",
        epochs=1,
        **columns,
    )
    found = zoo.evaluate(tmp_path / "model", data=path)
    assert (
        found.metrics
        == zoo.evaluate(tmp_path / "model", data=path, **columns).metrics
    )
    assert len(zoo.predict(tmp_path / "model", data=path).answers) == 4
    with pytest.raises(InputError, match="'other' does not exist"):
        zoo.evaluate(tmp_path / "model", data=path, text_column="other")
    listed = [{"text": t, "label": k} for t, k in zip(TEXTS, LABELS)]
    assert zoo.evaluate(tmp_path / "model", data=listed).num_examples == 4
