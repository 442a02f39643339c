"""What the package declares: lazy import and dependencies."""

import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import source_tree

ROOT = source_tree.ROOT
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = SETTINGS["project"]
LOCKS = ["requirements.lock", "requirements-test.lock", "requirements-gpu.lock"]
# Where a distribution is not called after its module.
DISTRIBUTIONS = {"absl": "absl-py", "keras_hub": "keras-nlp"}


def run_python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )


def test_import_loads_neither_tensorflow_nor_keras():
    code = (
        "import sys, keras_bert_zoo; keras_bert_zoo.InputError; "
        "print(sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    )
    done = run_python(code)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


@pytest.mark.parametrize("setting", ["0", "1"])
def test_import_turns_onednn_on_unless_told_otherwise(setting, monkeypatch):
    code = (
        "import os, keras_bert_zoo; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    )
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    assert run_python(code).stdout == "1\n"
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", setting)
    assert run_python(code).stdout == f"{setting}\n"


def test_no_module_hides_a_public_name():
    # Importing a module of the package sets its name on the package.
    import keras_bert_zoo as zoo

    folder = ROOT / "keras_bert_zoo"
    modules = {path.stem for path in folder.glob("*")}
    assert not modules & set(zoo.__all__)


PROGRAM = """
import sys
sys.modules["tensorflow_text"] = None
import keras_bert_zoo as zoo
listed = [name for name in dir(zoo) if name.endswith("Head")]
print("tensorflow" in sys.modules, listed)
print(zoo.TaggingHead.name, hasattr(zoo, "NoHead"))
print([n for n in zoo.__all__ if getattr(zoo, n) is None])

words = "[PAD] [UNK] [CLS] [SEP] [MASK] good bad".split()
tokenizer = zoo.BertTokenizer(zoo.Vocabulary(words), True)
print(tokenizer.tokenize(["Góod"]).to_list())
try:
    tokenizer.engine("fast")
except zoo.InputError as error:
    print(error)
encoder = zoo.BertEncoder(
    vocabulary_size=7,
    num_layers=1,
    num_heads=2,
    hidden_dim=8,
    intermediate_dim=8,
)
head = zoo.ClassificationHead(labels=["no", "yes"])
model = zoo.TaskModel(encoder, head, tokenizer)
model.compile("sgd")
history = model.fit(["good", "bad"] * 4, ["yes", "no"] * 4, verbose=0)
print(len(history.history["loss"]), len(model.predict_text(["good"])))
"""


@pytest.fixture(scope="module")
def printed():
    """The lines of a program that touches public names, then trains."""
    done = run_python(PROGRAM)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_public_names_are_found_when_they_are_touched(printed):
    listed, found, missing = printed[:3]
    assert missing == "[]"
    assert listed == (
        "False ['ClassificationHead', 'MaskedTokenHead', 'MultiTaskHead', "
        "'SpanQAHead', 'TaggingHead', 'TaskHead']"
    )
    assert found == "tagging False"


def test_trains_without_tensorflow_text(printed):
    ids, error, trained = printed[3:]
    assert ids == "[[5]]"
    assert error.startswith('engine="fast" needs tensorflow-text. Received')
    assert trained == "1 1"


def test_every_import_is_a_declared_dependency():
    wanted = PROJECT["dependencies"] + sum(
        PROJECT["optional-dependencies"].values(), []
    )
    declared = {
        re.match(r"[\w-]+", line).group().replace("_", "-") for line in wanted
    }
    missing = {
        f"{name}: {target}"
        for name in source_tree.modules()
        for target in source_tree.third_party_imports(name)
        if DISTRIBUTIONS.get(target, target).replace("_", "-") not in declared
    }
    assert not missing


def locked(name):
    """Returns the requirements of a lock, each with its hashes."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    return re.findall(r"^\w.*", text, re.MULTILINE)


def versions(name):
    return {line.split()[0] for line in locked(name)}


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_is_pinned_with_hashes(name):
    pattern = re.compile(
        r"[\w.-]+==[\w.]+( *;[^#]*?)?( +--hash=sha256:[0-9a-f]{64})+ *"
    )
    lines = locked(name)
    assert len(lines) > 50
    assert not [line for line in lines if not pattern.fullmatch(line)]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_tells_what_it_costs(name):
    first = (ROOT / name).read_text().splitlines()[0]
    download, on_disk = map(int, re.findall(r"(\d+) MB", first))
    assert 500 < download < on_disk


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-gpu.lock"])
def test_every_locked_package_is_locked_alike_for_tests(name):
    tested = versions("requirements-test.lock")
    nvidia = {line for line in versions(name) if line.startswith("nvidia-")}
    assert versions(name) - nvidia <= tested


def test_tests_need_few_packages_more_than_the_demo():
    assert len(versions("requirements-test.lock")) <= 75


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize(
    "platform",
    [
        "x86_64-manylinux_2_28",
        "aarch64-manylinux_2_28",
        "aarch64-apple-darwin",
    ],
)
@pytest.mark.parametrize("name", LOCKS[:2])
def test_every_line_of_a_lock_has_a_wheel(name, platform, python, tmp_path):
    uv = shutil.which("uv") or ROOT / ".venv-lock/bin/uv"
    if not pathlib.Path(uv).exists():
        pytest.skip("needs uv, which asks the index (make lock installs it)")
    command = [uv, "pip", "install", "--no-config", "--dry-run", "--no-deps"]
    command += ["--target", tmp_path, "--python-platform", platform]
    command += ["--python-version", python, "--only-binary", ":all:"]
    answer = subprocess.run(
        [*command, "--require-hashes", "--requirement", ROOT / name],
        capture_output=True,
        text=True,
    )
    if "error sending request" in answer.stderr:
        pytest.skip("no package index can be reached")
    assert answer.returncode == 0, answer.stderr


def test_every_data_file_is_packaged():
    patterns = SETTINGS["tool"]["setuptools"]["package-data"]["*"]
    files = [
        path
        for package in source_tree.PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert [path for path in files if path.suffix == ".json"], (
        "presets are data files"
    )
    assert not [
        path
        for path in files
        if path.name != "BUILD" and not any(map(path.match, patterns))
    ]
