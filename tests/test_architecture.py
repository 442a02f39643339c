"""The rooms of the project and the doors between them."""

import ast

import pytest
import source_tree

# A room may import itself and the rooms before it, and nothing after it.
ROOMS = (
    "errors",
    "arguments",
    "option_types",
    "feature_names",
    "atomic_io",
    "storage",
    "registry",
    "tokenization",
    "data",
    "layers",
    "encoders",
    "checkpoints",
    "presets",
    "training",
    "task",
    "pretraining",
    "reporting",
    "testing",
    "workflows",
    "cli",
)

# Where the special tokens, subwords, casing and segments of BERT and ALBERT are
# known.
ROOMS_OF_BERT = (
    "keras_bert_zoo.tokenization.unigram.",
    "keras_bert_zoo.tokenization.wordpiece.",
    "keras_bert_zoo.encoders.bert",
    "keras_bert_zoo.layers.embeddings",
    "keras_bert_zoo.checkpoints.",
    "keras_bert_zoo.testing.tiny_bert",
)

CORE = sorted(
    name for name in source_tree.modules() if name.startswith("keras_bert_zoo.")
)
EVERY_BACKEND = [
    name for name in CORE if name.split(".")[1] in ("layers", "encoders")
]


def room(name):
    return name.split(".")[1]


def own_imports(name):
    return [t for t in source_tree.imports(name) if "." in t]


def test_every_module_has_a_room():
    assert {room(name) for name in CORE} <= set(ROOMS)


def test_imports_point_upward():
    below = [
        (name, target)
        for name in CORE
        for target in own_imports(name)
        if target.startswith("keras_bert_zoo.")
        and ROOMS.index(room(target)) > ROOMS.index(room(name))
    ]
    assert not below


def test_core_imports_no_plugin():
    plugins = ("savedmodels", "task_heads")
    found = [
        (name, target)
        for name in CORE
        for target in source_tree.imports(name)
        if target.split(".")[0] in plugins
    ]
    assert not found


@pytest.mark.parametrize(
    ("package", "other"),
    [("savedmodels", "task_heads"), ("task_heads", "savedmodels")],
)
def test_plugins_do_not_import_each_other(package, other):
    names = [n for n in source_tree.modules() if n.split(".")[0] == package]
    assert names
    imported = set().union(*map(source_tree.imports, names))
    assert other not in {target.split(".")[0] for target in imported}


def test_layers_and_encoders_import_no_tensorflow():
    foreign = {"tensorflow", "tensorflow_text", "jax", "torch"}
    assert EVERY_BACKEND
    assert not [n for n in EVERY_BACKEND if foreign & source_tree.imports(n)]


def test_only_the_rooms_of_a_family_use_its_words():
    words = ("[CLS]", "[SEP]", '"##"', "lowercase", "segment_ids")
    found = [
        (name, word)
        for name, path in source_tree.modules().items()
        if not name.startswith(ROOMS_OF_BERT)
        for word in words
        if word in path.read_text("utf-8")
    ]
    assert not found


def test_only_the_command_line_prints():
    printing = [
        name
        for name in source_tree.modules()
        if not name.startswith("keras_bert_zoo.cli")
        and any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
            for node in ast.walk(source_tree.syntax_tree(name))
        )
    ]
    assert not printing
