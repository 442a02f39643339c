import csv
import json
import re
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_bert_zoo import registry
from keras_bert_zoo import reporting
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.training import precision
from keras_bert_zoo.training.callbacks.scalar_writer import ScalarWriter
from keras_bert_zoo.training.optimizers import recipe as recipes
from keras_bert_zoo.training.optimizers.layerwise import Lamb
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe
from keras_bert_zoo.training.optimizers.recipe import WarmupThenCosineDecay
from keras_bert_zoo.training.resume import backup_files
from keras_bert_zoo.workflows.finetune import finetune
from keras_bert_zoo.workflows.finetune_run import default_epochs
from keras_bert_zoo.workflows.options import options_of
from task_heads.classification.head import ClassificationHead


@pytest.fixture
def train(zoo, folder, tmp_path):
    """Calls `train`; a flag given as None is left out."""

    def run(**flags):
        flags = {
            "head": "classification",
            "preset": folder / "preset",
            "train": folder / "train.tsv",
            "out": tmp_path / "model",
            "epochs": 1,
            **flags,
        }
        return zoo(
            "train",
            *(
                f"--{name.replace('_', '-')}" + ("" if v is True else f"={v}")
                for name, v in flags.items()
                if v is not None
            ),
        )

    return run


@pytest.fixture
def write(tmp_path):
    def write_file(name, content):
        content = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write_file


@pytest.fixture
def recorded(monkeypatch):
    """Keeps the calls of `fit`, as (model, arguments), in place of it."""
    calls = []

    def fit(model, rows, **arguments):
        calls.append((model, arguments))
        return keras.callbacks.History()

    monkeypatch.setattr(TaskModel, "fit", fit)
    return calls


@pytest.fixture
def recipes_used(monkeypatch):
    """Keeps what `compile` is given."""
    used = []
    compile = TaskModel.compile

    def kept(model, recipe):
        used.append(recipe)
        compile(model, recipe)

    monkeypatch.setattr(TaskModel, "compile", kept)
    return used


@pytest.fixture
def no_weights(monkeypatch):
    """Makes it an error to load a model."""

    def fail(*args, **kwargs):
        raise AssertionError("the files come first")

    monkeypatch.setattr(TaskModel, "from_preset", fail)


def test_examples_and_labels_are_counted(trained):
    assert trained.status == 0
    lines = trained.out.splitlines()
    assert lines[0] == "train       8 examples (good: 4, bad: 4)"
    assert lines[1] == "validation  8 examples (good: 4, bad: 4)"


def test_each_epoch_prints_its_metrics(trained):
    for epoch in (1, 2, 3):
        (line,) = [
            line
            for line in trained.out.splitlines()
            if line.startswith(f"epoch {epoch}/3  ")
        ]
        assert "  loss " in line
        assert "  val_accuracy " in line


def test_the_summary_ends_the_output(trained, folder):
    lines = trained.out.splitlines()
    # The tiny preset learns nothing in three epochs.
    if lines[-1].startswith("warning     no better than always answering"):
        lines.pop()
    truncated, padding, best, saved, report = lines[-5:]
    assert truncated == "truncated   1 of 8 texts, longer than 32 tokens"
    assert padding.startswith("padding     ")
    assert best.startswith("best epoch  ")
    assert "by val_accuracy: val_accuracy " in best
    assert saved == f"saved       {folder / 'model'}"
    assert report == f"report      {folder / 'model' / 'report.html'}"


def test_nothing_goes_to_stderr(trained):
    assert trained.error == ""


def test_the_model_is_whole(trained, folder):
    model = TaskModel.from_preset(folder / "model")
    assert model.head.labels_by_index == ["bad", "good"]
    assert model.predict_text("very good food")["label"] in ("bad", "good")


def test_the_best_epoch_is_kept(trained, evaluated):
    (line,) = [
        line for line in trained.out.splitlines() if "best epoch" in line
    ]
    expected = float(line.split("val_accuracy ")[1].split()[0])
    accuracy = json.loads(evaluated.out)["accuracy"]
    assert accuracy == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_the_seed_decides_the_new_weights(train, recorded, tmp_path):
    kernels = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert train(out=tmp_path / name, seed=seed).status == 0
        model, arguments = recorded[-1]
        assert arguments["seed"] == seed
        kernels.append(np.array(model.get_layer("logits").kernel))
    assert (kernels[0] == kernels[1]).all()
    assert (kernels[0] != kernels[2]).all()


def test_columns_may_have_other_names(train, recorded, write):
    path = write("a.csv", 'kind,said\ngood,"fine, fine"\nbad,poor\n')
    outcome = train(train=path, text_column="said", label_column="kind")
    assert outcome.status == 0
    assert "train       2 examples (good: 1, bad: 1)" in outcome.out


def test_numbers_read_a_file_without_header(train, recorded, write):
    path = write("a.txt", "good\tfine\nbad\tpoor\n")
    outcome = train(
        train=path, text_column=1, label_column=0, data_format="tsv"
    )
    assert outcome.status == 0


def test_a_second_text_makes_pairs(train, recorded, write):
    path = write("a.tsv", "text\tb\tlabel\nfine\tfine\tgood\npoor\tx\tbad\n")
    assert train(train=path, text_pair_column="b").status == 0
    ((model, _),) = recorded
    assert model.head.text_fields == ("text", "text_pair")


@pytest.mark.slow
def test_patience_ends_a_run_that_gets_no_better(train, folder):
    # At such a rate no weight changes.
    flags = {"epochs": 9, "patience": 2, "learning_rate": 1e-12}
    outcome = train(validation=folder / "train.tsv", **flags)
    assert outcome.status == 0
    epochs = [
        line for line in outcome.out.splitlines() if line.startswith("epoch ")
    ]
    assert len(epochs) == 3
    assert "best epoch  1 by val_accuracy" in outcome.out
    assert "stopped     after epoch 3: " in outcome.out


@pytest.mark.slow
def test_the_best_epoch_may_be_chosen_by_another_measure(
    train, zoo, write, tmp_path
):
    lines = [f"{text}\t{n}.5" for n, text in enumerate(["good", "bad", "fine"])]
    path = write("a.tsv", "\n".join(["text\tlabel", *lines]) + "\n")
    flags = {"train": path, "validation": path, "kind": "regression"}
    outcome = train(best_by="spearman", epochs=2, **flags)
    assert outcome.status == 0, outcome.error
    (best,) = re.findall("best epoch.*", outcome.out)
    assert " by val_spearman: " in best
    evaluated = zoo("evaluate", tmp_path / "model", f"--data={path}")
    (found,) = re.findall(r"^spearman (\S+)$", evaluated.out, re.MULTILINE)
    assert f"val_spearman {found}" in best
    outcome = train(best_by="kappa", overwrite=True, **flags)
    assert outcome.status == 2
    assert "best_by=kappa. Choose one of loss, " in outcome.error
    assert "epoch 1" not in outcome.out


def test_the_chosen_precision_is_reported(train, recorded, monkeypatch):
    asked = []

    def choose(name):
        asked.append(name)
        return precision.Choice("mixed_bfloat16", "twice as fast")

    monkeypatch.setattr(precision, "choose_precision", choose)
    outcome = train(precision="auto")
    assert asked == ["auto"]
    assert "precision   mixed_bfloat16: twice as fast" in outcome.out
    assert recorded[0][0].dtype_policy.name == "mixed_bfloat16"


def test_a_resumed_run_keeps_its_precision(
    train, recorded, monkeypatch, tmp_path
):
    asked = []

    def choose(name):
        asked.append(name)
        return precision.Choice("mixed_bfloat16", "")

    monkeypatch.setattr(precision, "choose_precision", choose)
    state = {"settings": {"precision": "mixed_bfloat16"}}
    backup_files.write(tmp_path / "model.backup", state, {})
    train(precision="auto", overwrite=True)
    train(precision="float32", overwrite=True)
    assert asked == ["mixed_bfloat16", "float32"]


@pytest.mark.parametrize(
    ("labels", "text_pair", "num_rows", "epochs"),
    [
        ("abc", False, 1, 20),
        ("abc", True, 50, 20),
        ("abc", False, 500, 7),
        ("abc", False, 5000, 3),
        ("ab", False, 50, 8),
        ("ab", False, 500, 3),
        ("ab", True, 50, 3),
    ],
)
def test_a_few_examples_have_more_epochs(labels, text_pair, num_rows, epochs):
    head = ClassificationHead(labels=list(labels), text_pair=text_pair)
    assert default_epochs(head, num_rows, 32) == epochs


def test_examples_are_packed(train, recorded):
    assert train(packed_length=48).status == 0
    ((_, arguments),) = recorded
    assert arguments["packed_length"] == 48


@pytest.mark.slow
def test_a_kill_after_saving_loses_no_report(train, tmp_path, monkeypatch):
    out = tmp_path / "model"

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reporting, "Report", killed)
        assert train(backup_seconds=1e-3).status == 130
    weights = TaskModel.from_preset(out).get_weights()

    outcome = train(backup_seconds=1e-3)
    assert outcome.status == 2
    assert f"There are backups in {out}.backup: if the run" in outcome.error
    assert train(backup_seconds=1e-3, overwrite=True).status == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["model"]
    assert (out / "report.html").is_file()
    assert (out / "history.csv").read_text().count("\n") == 2
    for one, other in zip(
        TaskModel.from_preset(out).get_weights(), weights, strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_sigterm_after_saving_leaves_out_the_report(
    train, recorded, tmp_path, monkeypatch, caplog
):
    def stop(*args):
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(reporting, "write_report", stop)
    assert train(backup_seconds=1e-3).status == 0
    assert caplog.messages[-1] == (
        "The model is saved, but not its report: StoppedError: SIGTERM was "
        "received"
    )
    assert [one.name for one in tmp_path.iterdir()] == ["model"]
    TaskModel.from_preset(tmp_path / "model")


@pytest.mark.slow
def test_a_report_that_fails_costs_no_run_its_end(
    train, tmp_path, monkeypatch, caplog
):
    def fail(*args):
        raise ZeroDivisionError("of a chart")

    monkeypatch.setattr(reporting, "write_report", fail)
    # What stands beside backups stays.
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "notes.txt").write_text("kept")
    out = folder / "model"
    outcome = train(
        out=out, backup_dir=folder, backup_seconds=1e-3, freeze_encoder=True
    )
    assert outcome.status == 0
    assert caplog.messages[-1] == (
        "The model is saved, but not its report: ZeroDivisionError: of a chart"
    )
    assert outcome.out.splitlines()[-1] == f"saved       {out}"
    assert sorted(one.name for one in folder.iterdir()) == [
        "model",
        "notes.txt",
    ]
    assert (out / "history.csv").is_file()
    TaskModel.from_preset(out)


def test_an_interrupt_during_the_report_ends_the_run(
    train, recorded, monkeypatch
):
    def interrupted(*args):
        # As a library turns it into an error of its own.
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt as error:
            raise RuntimeError("stopped") from error

    monkeypatch.setattr(reporting, "write_report", interrupted)
    assert train().status == 130


@pytest.mark.parametrize("inner", ["", "backups"])
def test_backups_do_not_go_into_the_model(train, no_weights, tmp_path, inner):
    out = tmp_path / "model"
    outcome = train(out=f"{out}/.", backup_dir=out / inner)
    assert outcome.status == 2
    assert "backup_dir=" in outcome.error
    assert "outside of the model's directory" in outcome.error


@pytest.mark.parametrize("flag", ["train", "validation", "tensorboard"])
@pytest.mark.parametrize("inner", ["", "inner/part.tsv"])
def test_a_model_replaces_nothing_of_the_run(
    train, no_weights, tmp_path, flag, inner
):
    out = tmp_path / "model"
    out.mkdir()
    (out / "config.json").write_text("{}")
    flags = {"out": out, flag: out / inner}
    outcome = train(**flags, overwrite=True)
    assert outcome.status == 2
    assert "must be outside of the model's directory" in outcome.error
    assert f"{flag}={out / inner}" in outcome.error
    assert [path.name for path in out.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    "flag",
    ["backup_dir", "out", "preset", "tensorboard", "train", "validation"],
)
def test_a_name_that_is_empty_is_refused(train, no_weights, flag):
    outcome = train(**{flag: ""})
    assert outcome.status == 2
    assert f"Received: {flag}=''. " in outcome.error


@pytest.mark.slow
def test_weights_past_all_bounds_are_not_saved(train, tmp_path):
    outcome = train(learning_rate=1e30, batch_size=8, freeze_encoder=True)
    assert outcome.status == 3
    assert "Weights must be numbers whose products are" in outcome.error
    assert outcome.error.count("\n") == 1
    assert not (tmp_path / "model").exists()


def test_a_name_that_no_report_can_hold_is_refused_early(
    train, no_weights, tmp_path
):
    outcome = train(out=f"{tmp_path}/q\udcff")
    assert outcome.status == 2
    assert "Names must be in UTF-8" in outcome.error


def test_a_folder_that_cannot_be_made_is_refused_early(
    train, no_weights, tmp_path
):
    (tmp_path / "file").write_text("")
    outcome = train(tensorboard=tmp_path / "file" / "curves")
    assert outcome.status == 2
    assert outcome.error.count("\n") == 1


def test_a_tpu_takes_no_packed_sequences(train, no_weights):
    outcome = train(check_tpu=True, packed_length=64)
    assert outcome.status == 2
    assert "packed_length=64 with check_tpu" in outcome.error
    outcome = train(strategy="tpu", tokens_per_batch=512)
    assert outcome.status == 2
    assert "tokens_per_batch=512 with check_tpu or strategy" in outcome.error


@pytest.mark.parametrize("strategy", ["mirrored", "workers", "tpu"])
def test_a_tpu_is_checked_for_on_one_device(train, no_weights, strategy):
    outcome = train(check_tpu=True, strategy=strategy)
    assert outcome.status == 2
    assert f"check_tpu with strategy={strategy}" in outcome.error
    assert not outcome.out


def test_options_of_the_head_are_flags(train, recorded):
    assert train(pooling="mean", dropout=0.25).status == 0
    ((model, _),) = recorded
    assert (model.head.pooling, model.head.dropout) == ("mean", 0.25)


def test_flags_reach_the_training(train, recorded):
    outcome = train(
        epochs=7,
        batch_size=5,
        tokens_per_batch=64,
        learning_rate=0.5,
        sequence_length=8,
        freeze_encoder=True,
        precision="mixed_bfloat16",
    )
    assert outcome.status == 0
    ((model, arguments),) = recorded
    assert arguments["epochs"] == 7
    assert arguments["batch_size"] == 5
    assert arguments["tokens_per_batch"] == 64
    assert float(model.optimizer.learning_rate) == 0.5
    assert model.sequence_length == 8
    assert model.freeze_encoder
    assert model.encoder.dtype_policy.name == "mixed_bfloat16"


def test_flags_make_the_optimizer(train, recorded):
    outcome = train(
        optimizer="lamb",
        schedule="cosine",
        learning_rate=0.5,
        warmup_steps=1,
        weight_decay=0.25,
        layer_decay=0.5,
        unfreeze_every=3,
        freeze_embeddings=True,
        global_clipnorm=2.0,
        gradient_accumulation_steps=4,
        ema_momentum=0.75,
    )
    assert outcome.status == 0
    ((model, _),) = recorded
    assert model.freeze_embeddings
    optimizer = model.optimizer
    assert type(optimizer) is Lamb
    assert optimizer.weight_decay == 0.25
    assert optimizer.global_clipnorm == 2.0
    assert optimizer.num_accumulated == 4
    assert (optimizer.use_ema, optimizer.ema_momentum) == (True, 0.75)
    assert optimizer.layer_rates == (
        ("embeddings", 0.25, 6),
        ("transformer_block_0", 0.5, 3),
    )


def test_flags_make_the_schedule(train, recorded, recipes_used):
    flags = {"schedule": "cosine", "warmup_fraction": 0.5}
    assert train(learning_rate=0.5, **flags).status == 0
    (recipe,) = recipes_used
    optimizer = recipe.make(None, 8)
    expected = WarmupThenCosineDecay(0.5, 8, 4).get_config()
    assert optimizer._learning_rate.get_config() == expected


def test_without_flags_the_recipe_is_the_default(train, recorded, recipes_used):
    assert train().status == 0
    assert recipes_used == [OptimizerRecipe()]


def test_every_optimizer_and_schedule_has_its_flag():
    options = {one.name: one for one in options_of(finetune)}
    assert set(options["optimizer"].choices) == set(recipes.OPTIMIZERS)
    assert set(options["schedule"].choices) == set(recipes.SCHEDULES)


@pytest.mark.slow
def test_a_step_that_compiles_is_reported_and_trained(train, recorded):
    outcome = train(check_tpu=True, batch_size=4)
    assert outcome.status == 0
    assert "tpu         XLA compiles the training step\n" in outcome.out
    assert len(recorded) == 1


@pytest.mark.slow
def test_a_step_that_a_tpu_cannot_run_is_not_trained(train, recorded):
    class TextHead(ClassificationHead):
        def losses(self):
            def loss(y_true, y_pred):
                words = tf.strings.as_string(y_pred, name="in_words")
                return tf.reduce_sum(y_pred * tf.strings.to_number(words))

            return loss

    registry.heads.register("text", TextHead)
    try:
        outcome = train(head="text", check_tpu=True)
    finally:
        registry.heads.unregister("text")
    assert outcome.status == 2
    assert "must have no strings. Received: AsString (" in outcome.error
    assert "in_words" in outcome.error
    assert outcome.error.count("\n") == 1
    assert not recorded


def test_help_of_a_named_head_shows_its_flags(zoo):
    out = zoo("train", "--head", "classification", "--help").out
    assert "head classification:" in out
    for option in ClassificationHead.options():
        if option.name != "text_pair":
            assert f"--{option.name.replace('_', '-')}" in out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "", "a.tsv: a file must have at least one example."),
        ("a.tsv", "text\tlabel\n", "a.tsv: a file must have at least one"),
        ("a.tsv", "words\tlabel\nfine\tgood\n", "the column 'text' does not"),
        ("a.tsv", "text\tlabel\nfine\n", "a.tsv:2: a row must have 2 fields"),
        (
            "a.tsv",
            b"text\tlabel\nfine\tgood\nsch\xf6n\tgood\n",
            "a.tsv:3: text must be valid UTF-8. Received: byte 0xf6",
        ),
        ("a.jsonl", '{"text": "a",\n', "a.jsonl:1: each line must be one JSON"),
        (
            "a.jsonl",
            '{"text": 5, "label": "a"}\n{"text": "", "label": "b"}\n',
            "a.jsonl:1: 'text' must be a text. Received: 5",
        ),
        ("a.txt", "x", "must end with .tsv, .csv or .jsonl"),
        ("a.tsv.gz", b"\x1f\x8b\x08\x00", "a gzip file must be whole"),
    ],
)
def test_a_bad_file_is_named_before_weights_load(
    train, write, no_weights, name, content, message
):
    outcome = train(train=write(name, content))
    assert outcome.status == 2
    assert message in outcome.error
    assert outcome.error.count("\n") == 1


def test_a_missing_label_names_file_and_line(train, write, no_weights):
    path = write("t.tsv", "text\tlabel\nfine\tgood\nfine\t\n")
    outcome = train(train=path)
    assert outcome.status == 2
    assert outcome.error.startswith(
        f"bert-zoo: {path}:3: A label must be a name or an index. Received: "
    )
    assert outcome.error.count("\n") == 1


def test_a_missing_file_is_named(train, no_weights):
    outcome = train(train="absent.tsv")
    assert (outcome.status, outcome.error) == (
        2,
        "bert-zoo: absent.tsv: No such file or directory\n",
    )


def test_an_existing_output_is_refused_at_once(
    train, folder, no_weights, trained
):
    outcome = train(out=folder / "model", train="absent.tsv")
    assert outcome.status == 2
    assert "An existing output directory is not overwritten" in outcome.error
    assert "--overwrite" in outcome.error


def test_overwrite_replaces_the_output(train, recorded, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "manifest.json").write_text("old")
    (tmp_path / "model" / "stale").write_text("old")
    assert train(overwrite=True).status == 0
    assert not (tmp_path / "model" / "stale").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"head": "nonsense"}, "No head has the name 'nonsense'. Known: "),
        ({"preset": "nonsense"}, "Known: bert_base_en_cased"),
        ({"sequence_length": 33}, "the encoder's 32 positions"),
        (
            {"epochs": 0},
            "argument --epochs: 0 is not a whole number between 1 and",
        ),
        ({"batch_size": "x"}, "argument --batch-size: invalid int value"),
        ({"learning_rate": -1}, "argument --learning-rate: -1 is not between"),
        (
            {"global_clipnorm": 1e300},
            "argument --global-clipnorm: 1e+300 is not between",
        ),
        (
            {"layer_decay": 2},
            "argument --layer-decay: 2 is not above 0 and at most 1",
        ),
        ({"layer_decay": 0}, "--layer-decay: 0 is not above 0 and at most 1"),
        ({"schedule": "step"}, "argument --schedule: invalid choice: 'step'"),
        (
            {"warmup_steps": 3, "warmup_fraction": 0.5},
            "warmup_fraction=0.5, warmup_steps=3",
        ),
        ({"precision": "int8"}, "argument --precision: invalid choice: 'int8'"),
        ({"seed": -1}, "--seed: -1 is not a whole number between 0 and 4294"),
        ({"pooling": "median"}, "argument --pooling: invalid choice: 'median'"),
        ({"unknown": 1}, "unrecognized arguments: --unknown=1"),
        ({"out": None}, "the following arguments are required: --out"),
        ({"tokens_per_batch": 16}, "tokens_per_batch=16, sequence_length=32"),
        ({"packed_length": 0}, "argument --packed-length: "),
        (
            {"packed_length": 9, "tokens_per_batch": 64},
            "Received: packed_length=9, tokens_per_batch=64. Leave one",
        ),
        ({"patience": 2}, "Received: patience=2 without"),
        ({"best_by": "mcc"}, "Received: best_by=mcc without"),
        ({"ema_momentum": 1}, "argument --ema-momentum: 1 is not at least 0"),
        (
            {"freeze_encoder": True, "unfreeze_every": 2, "layer_decay": 0.5},
            "freeze_encoder with layer_decay=0.5, unfreeze_every=2. ",
        ),
        (
            {"freeze_encoder": True, "unfreeze_fraction": 1},
            "Received: freeze_encoder with unfreeze_fraction=1.0. ",
        ),
        ({"out": "."}, "Received: out=.. Name a directory inside of it."),
        ({"out": "/"}, "Received: out=/. Name a directory inside of it."),
        ({"out": ".."}, "Received: out=... Name a directory inside of it."),
    ],
)
def test_a_wrong_flag_is_reported_in_one_line(train, tmp_path, flags, message):
    outcome = train(**flags)
    assert outcome.status == 2
    assert message in outcome.error
    assert outcome.error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_head_without_pairs_refuses_a_second_column(train):
    class SingleHead(ClassificationHead):
        @classmethod
        def options(cls):
            return ()

    registry.heads.register("single", SingleHead)
    try:
        outcome = train(head="single", text_pair_column="b")
    finally:
        registry.heads.unregister("single")
    assert outcome.status == 2
    assert "The head 'single' reads no second text" in outcome.error


def test_an_epochs_line_says_how_fast_it_was(trained):
    lines = [line for line in trained.out.splitlines() if line[:6] == "epoch "]
    assert len(lines) == 3
    for line in lines:
        assert re.search(r"  \d+ tokens/s \d+% padding  \d+ s$", line)


def test_the_history_stands_with_the_model(trained, folder):
    with open(folder / "model" / "history.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    for row in rows:
        loss, accuracy = float(row["loss"]), float(row["val_accuracy"])
        assert f"  loss {loss:.4f}  " in trained.out
        assert f"  val_accuracy {accuracy:.4f}  " in trained.out
        assert float(row["tokens_per_second"]) > 0
    # Two ways to count: what was trained on, and what the pipeline made.
    padding = float(rows[0]["padding_fraction"])
    assert f"padding     {padding:.1%} of all tokens" in trained.out
    assert not list(folder.glob("*history.csv"))


@pytest.mark.slow
def test_a_loss_that_is_infinite_ends_the_run(train, write, tmp_path):
    path = write("a.tsv", "text\tlabel\nfine\t1\npoor\t1e38\n")
    outcome = train(train=path, kind="regression", batch_size=1, epochs=2)
    assert outcome.status == 3
    # So far from the mean of both, the squared errors of both are infinite.
    assert re.fullmatch(
        r"bert-zoo: The loss must be a finite number\. Received: inf in step "
        rf"1 of epoch 1, on {path}:[23]\. Lower .*\n",
        outcome.error,
    )
    assert not (tmp_path / "model").exists()


def test_the_report_shows_the_numbers_of_the_history(trained, folder):
    text = (folder / "model" / "report.html").read_text("utf-8")
    with open(folder / "model" / "history.csv", newline="") as stream:
        for row in csv.DictReader(stream):
            for name in ("loss", "val_accuracy", "tokens_per_second"):
                assert f">{float(row[name]):.5g}<" in text
    assert "Confusion matrix" in text
    assert ">good: 4, bad: 4<" in text
    assert ">1 of 8 texts, longer than 32 tokens<" in text


@pytest.mark.parametrize("folder_name", [None, "curves"])
def test_curves_are_written_where_asked(train, recorded, tmp_path, folder_name):
    folder = folder_name and tmp_path / folder_name
    assert train(tensorboard=folder).status == 0
    _, arguments = recorded[-1]
    kinds = {type(callback) for callback in arguments["callbacks"]}
    assert (ScalarWriter in kinds) == (folder is not None)
