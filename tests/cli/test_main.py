import os
import pty
import signal
import subprocess
import sys

import pytest

import keras_bert_zoo
from keras_bert_zoo.cli.verbs import list as list_verb
from keras_bert_zoo.errors import ExportError
from keras_bert_zoo.errors import InputError

RUN = "from keras_bert_zoo.cli import main; main.run({!r})"
# `list` prints this on both streams.
TEXT = "caf\u00e9 \u6771\u4eac \udcff"
SAY = (
    "import sys\n"
    "from keras_bert_zoo.cli.verbs import list as verb\n"
    f"text = {ascii(TEXT)}\n"
    "verb.run = lambda args: print(text, file=sys.stderr) or print(text)\n"
    + RUN
)
OTHER_LOCALES = [
    {"PYTHONIOENCODING": "cp1252"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


def start(*arguments, code=RUN, **options):
    code = code.format(["bert-zoo", *arguments])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_help_names_the_verbs(zoo):
    outcome = zoo("--help")
    assert outcome.status == 0
    for verb in ("convert", "evaluate", "list", "predict", "train"):
        assert f"\n    {verb} " in outcome.out


@pytest.mark.parametrize("arguments", [["list"], ["train", "--help"]])
def test_help_and_list_load_no_tensorflow(arguments):
    code = (
        "import atexit, sys\n"
        "heavy = {{'tensorflow', 'keras', 'torch', 'numpy'}}\n"
        "atexit.register(lambda: print(heavy & set(sys.modules)))\n" + RUN
    )
    out, error = start(*arguments, code=code).communicate()
    assert out.splitlines()[-1] == "set()"
    assert error == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "bert-zoo: the following arguments are required: VERB."),
        (["lst"], "bert-zoo: argument VERB: invalid choice: 'lst'"),
        (["list", "more"], "bert-zoo list: unrecognized arguments: more. See"),
        (
            ["list", "--jsn"],
            "bert-zoo list: unrecognized arguments: --jsn. Did you mean "
            "--json? See bert-zoo list --help.",
        ),
        (["list", "--js"], "bert-zoo list: unrecognized arguments: --js. Did"),
        (["list", "--verbosity=loud"], "bert-zoo: flag --verbosity=loud: "),
        (
            ["evaluate", "model"],
            "bert-zoo evaluate: the following arguments are required: --data.",
        ),
    ],
)
def test_a_wrong_call_is_reported_in_one_line(zoo, arguments, message):
    outcome = zoo(*arguments)
    assert outcome.status == 2
    assert outcome.error.startswith(message)
    assert outcome.error.count("\n") == 1
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("Give\n  more."), "bert-zoo: Give more.\n"),
        (
            FileNotFoundError(2, "No such file", "a.tsv"),
            "bert-zoo: a.tsv: No such file or directory\n",
        ),
        (
            OSError(28, "HDF5 said a lot"),
            "bert-zoo: No space left on device\n",
        ),
        (
            RuntimeError("h5: No space left on device (28)"),
            "bert-zoo: No space left on device. Free some, or write "
            "elsewhere.\n",
        ),
    ],
)
def test_a_mistake_is_reported_in_one_line(zoo, monkeypatch, error, message):
    def fail(args):
        raise error

    monkeypatch.setattr(list_verb, "run", fail)
    assert zoo("list") == (2, "", message)


def test_an_artifact_that_differs_is_reported_in_one_line(zoo, monkeypatch):
    def fail(args):
        raise ExportError("The artifact's 'logits' differs.")

    monkeypatch.setattr(list_verb, "run", fail)
    message = "bert-zoo: The artifact's 'logits' differs.\n"
    assert zoo("list") == (1, "", message)


def test_a_bug_keeps_its_traceback(zoo, monkeypatch):
    def fail(args):
        raise TypeError("a bug")

    monkeypatch.setattr(list_verb, "run", fail)
    with pytest.raises(TypeError, match="a bug"):
        zoo("list")


@pytest.mark.slow
def test_an_interrupt_is_reported_in_one_line(folder, tmp_path):
    running = start(
        "train",
        "--head=classification",
        f"--preset={folder / 'preset'}",
        f"--train={folder / 'train.tsv'}",
        f"--out={tmp_path / 'model'}",
        "--epochs=100000",
    )
    while not running.stdout.readline().startswith("epoch "):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, error = running.communicate()
    assert running.returncode == 130
    # A slow machine has lines of progress before it.
    assert error.splitlines()[-1:] == ["bert-zoo: interrupted"]
    assert "Traceback" not in error
    # No model; the history at most.
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"model.history.csv"}


def test_an_interrupt_that_became_another_error_is_reported_in_one_line(
    zoo, monkeypatch
):
    # TensorFlow does so while it traces, for example where it asks for an
    # attribute and takes any exception for "there is none".
    def fail(args):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ValueError("None values not supported.") from None

    monkeypatch.setattr(list_verb, "run", fail)
    outcome = zoo("list")
    assert outcome.status == 130
    assert outcome.error == "bert-zoo: interrupted\n"


def test_a_closed_pipe_is_no_error():
    running = start("list", "--json")
    running.stdout.close()
    assert running.stderr.read() == ""
    assert running.wait() == 141


def test_a_closed_output_is_no_error():
    code = RUN.format(["bert-zoo", "list"])
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, code],
        capture_output=True,
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
def test_a_closed_pipe_of_both_streams_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    code = RUN.format(["bert-zoo", "evaluate", "m", "--data=absent"])
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=writer
    )
    os.close(writer)
    assert done.returncode == 141


def test_help_into_a_closed_pipe_is_no_error():
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    running = start("list", "--help", env=buffered)
    running.stdout.close()
    assert running.stderr.read() == ""
    assert running.wait() == 141


@pytest.mark.parametrize("locale", OTHER_LOCALES)
def test_output_is_utf8_in_any_locale(locale):
    code = SAY.format(["bert-zoo", "list"])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**os.environ, **locale},
    )
    # A lone surrogate as an escape of JSON.
    wanted = TEXT.encode("utf-8", "backslashreplace") + b"\n"
    assert (done.returncode, done.stdout) == (0, wanted)
    assert done.stderr == wanted


@pytest.mark.parametrize("locale", OTHER_LOCALES)
def test_a_terminal_without_utf8_is_told_in_ascii(locale):
    reader, writer = pty.openpty()
    code = SAY.format(["bert-zoo", "list"])
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=writer,
        env={**os.environ, **locale},
    )
    shown = os.read(reader, 1000).decode().strip()
    for descriptor in (reader, writer):
        os.close(descriptor)
    assert shown == TEXT.encode("ascii", "backslashreplace").decode()
    assert done.stdout.decode().startswith("café 東京")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_output_is_reported_in_one_line():
    with open("/dev/full", "w") as full:
        code = RUN.format(["bert-zoo", "list"])
        result = subprocess.run(
            [sys.executable, "-c", code],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert "bert-zoo: No space left on device\n" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version_is_printed(zoo):
    outcome = zoo("--version")
    assert outcome.status == 0
    assert outcome.out == f"bert-zoo {keras_bert_zoo.__version__}\n"
