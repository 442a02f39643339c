"""BUILD files say what the imports say, and Bazel can load them."""

import ast
import graphlib
import re
import shutil
import subprocess
import tomllib

import pytest
import source_tree

ROOT = source_tree.ROOT
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# Where a repository is not called after its module.
REPOSITORIES = {"absl": "absl_py"}
# Not in the lock that Bazel reads: it wants other versions.
OF_EXTRAS = {"apache_beam"}
STAND_IN_RULES = """
py_binary = native.py_binary
py_library = native.py_library
"""


def read_build(path):
    """Returns the `py_library` rules of a BUILD file, by label."""
    rules = {}
    folder = path.parent.relative_to(ROOT).as_posix()
    for node in ast.parse(path.read_text("utf-8")).body:
        call = getattr(node, "value", None)
        if not isinstance(call, ast.Call) or call.func.id != "py_library":
            continue
        values = {k.arg: k.value for k in call.keywords}
        srcs = values.get("srcs")
        if isinstance(srcs, ast.Call):
            patterns = ast.literal_eval(srcs.args[0])
            files = {f for p in patterns for f in path.parent.glob(p)}
        else:
            names = ast.literal_eval(srcs) if srcs else []
            files = {path.parent / name for name in names}
        deps = ast.literal_eval(values["deps"]) if "deps" in values else []
        label = f"//{folder}:{ast.literal_eval(values['name'])}"
        rules[label] = (files, {absolute(d, folder) for d in deps})
    return rules


def absolute(label, folder):
    if label.startswith(":"):
        return f"//{folder}{label}"
    if label.startswith("//") and ":" not in label:
        return f"{label}:{label.rsplit('/', 1)[1]}"
    return label


BUILD_FILES = sorted(
    path
    for name in source_tree.PACKAGES
    for path in ROOT.glob(f"{name}/**/BUILD")
)
RULES = {k: v for path in BUILD_FILES for k, v in read_build(path).items()}
OWNERS = {file: label for label, (files, _) in RULES.items() for file in files}


def test_every_module_is_in_a_build_rule():
    missing = set(source_tree.modules().values()) - set(OWNERS)
    assert not missing


def test_build_deps_are_the_imports():
    different = {
        label: sorted(deps ^ expected_deps(label, files))
        for label, (files, deps) in RULES.items()
        if files and deps != expected_deps(label, files)
    }
    assert not different


def expected_deps(label, files):
    names = [n for n, path in source_tree.modules().items() if path in files]
    expected = set()
    for name in names:
        for target in source_tree.imports(name):
            if target in source_tree.modules():
                expected.add(OWNERS[source_tree.modules()[target]])
        for target in source_tree.third_party_imports(name) - OF_EXTRAS:
            expected.add(f"@pypi//{REPOSITORIES.get(target, target)}")
    expected.discard(label)
    # A module of the root folder cannot be imported without the root itself.
    if label.startswith("//keras_bert_zoo:") and not label.endswith(":init"):
        expected.add("//keras_bert_zoo:init")
    return expected


def test_lazy_names_are_deps_of_the_whole():
    _, deps = RULES["//keras_bert_zoo:keras_bert_zoo"]
    tree = source_tree.syntax_tree("keras_bert_zoo")
    homes = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "_HOMES"
    )
    expected = {OWNERS[source_tree.modules()[home]] for home in homes.values()}
    assert deps == expected | {"//keras_bert_zoo:init"}


def test_build_rules_have_no_cycle():
    graph = {label: deps for label, (_, deps) in RULES.items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert set(graph) <= set(order)


def test_every_plugin_is_a_dep_of_the_root_rule():
    text = (ROOT / "BUILD").read_text("utf-8")
    modules = {
        value.split(":")[0]
        for group in PROJECT["entry-points"].values()
        for value in group.values()
    }
    owners = {OWNERS[source_tree.modules()[module]] for module in modules}
    rules = ast.parse(text)
    (deps,) = (
        ast.literal_eval(keyword.value)
        for node in ast.walk(rules)
        if isinstance(node, ast.Call) and node.func.id == "py_library"
        for keyword in node.keywords
        if keyword.arg == "deps"
    )
    assert owners <= {absolute(label, "") for label in deps}


@pytest.fixture
def workspace(tmp_path):
    """Copies what Bazel loads, beside stand-ins for what it would fetch."""
    root = tmp_path / "workspace"
    root.mkdir()
    for name in source_tree.PACKAGES:
        shutil.copytree(ROOT / name, root / name)
    for path in [*ROOT.glob("BUILD"), *ROOT.glob("*.lock")]:
        shutil.copy(path, root)
    for name in ("LICENSE", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    rules = tmp_path / "rules_python" / "python"
    rules.mkdir(parents=True)
    (rules / "BUILD").touch()
    (rules / "defs.bzl").write_text(STAND_IN_RULES)
    texts = [path.read_text("utf-8") for path in root.rglob("BUILD")]
    for name in set(re.findall(r"@pypi//(\w+)", "".join(texts))):
        folder = tmp_path / "pypi" / name
        folder.mkdir(parents=True)
        (folder / "BUILD").write_text(
            f"py_library(name='{name}', visibility=['//visibility:public'])"
        )
    for folder in ("workspace", "rules_python", "pypi"):
        (tmp_path / folder / "WORKSPACE").touch()
    return root


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("bazel"), reason="bazel is not installed")
@pytest.mark.parametrize(
    "query", ["kind('py_.*', //...)", "labels(deps, //...)"]
)
def test_bazel_resolves_every_label(workspace, query):
    beside = workspace.parent
    done = subprocess.run(
        [
            "bazel",
            "--batch",
            f"--output_user_root={beside / 'out'}",
            "query",
            f"--override_repository=rules_python={beside / 'rules_python'}",
            f"--override_repository=pypi={beside / 'pypi'}",
            query,
        ],
        cwd=workspace,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "//keras_bert_zoo/encoders:encoders" in done.stdout
