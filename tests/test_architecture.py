"""The rooms of the project and the doors between them."""

import ast

import pytest
import source_tree

# A room may import itself and the rooms before it, and nothing after it.
ROOMS = (
    "errors",
    "arguments",
    "features",
    "files",
    "registry",
    "tokenization",
    "data",
    "layers",
    "encoder",
    "checkpoints",
    "presets",
    "training",
    "task",
    "reporting",
    "testing",
    "exporting",
    "cli",
)

CORE = sorted(
    name for name in source_tree.modules() if name.startswith("keras_bert_zoo.")
)
EVERY_BACKEND = [
    name for name in CORE if name.split(".")[1] in ("layers", "encoder")
]


def room(name):
    return name.split(".")[1]


def own_imports(name):
    return [t for t in source_tree.imports(name) if "." in t]


def test_every_module_has_a_room():
    assert {room(name) for name in CORE} <= set(ROOMS)


@pytest.mark.parametrize("name", CORE)
def test_imports_point_upward(name):
    allowed = ROOMS[: ROOMS.index(room(name)) + 1]
    below = [
        target
        for target in own_imports(name)
        if target.startswith("keras_bert_zoo.") and room(target) not in allowed
    ]
    assert not below


@pytest.mark.parametrize("name", CORE)
def test_core_imports_no_plugin(name):
    plugins = ("savedmodels", "task_heads")
    assert not [
        target
        for target in source_tree.imports(name)
        if target.split(".")[0] in plugins
    ]


@pytest.mark.parametrize(
    ("package", "other"),
    [("savedmodels", "task_heads"), ("task_heads", "savedmodels")],
)
def test_plugins_do_not_import_each_other(package, other):
    names = [n for n in source_tree.modules() if n.split(".")[0] == package]
    assert names
    imported = set().union(*map(source_tree.imports, names))
    assert other not in {target.split(".")[0] for target in imported}


@pytest.mark.parametrize("name", EVERY_BACKEND)
def test_layers_and_encoder_import_no_tensorflow(name):
    foreign = {"tensorflow", "tensorflow_text", "jax", "torch"}
    assert not foreign & source_tree.imports(name)


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name in source_tree.modules()
        if not name.startswith("keras_bert_zoo.cli")
    ),
)
def test_only_the_command_line_prints(name):
    calls = [
        node.func
        for node in ast.walk(source_tree.syntax_tree(name))
        if isinstance(node, ast.Call)
    ]
    assert "print" not in {f.id for f in calls if isinstance(f, ast.Name)}


@pytest.mark.parametrize("name", sorted(source_tree.modules()))
def test_files_are_short(name):
    lines = source_tree.modules()[name].read_text("utf-8").splitlines()
    assert len(lines) <= 300
