"""Operations that a TPU cannot run, in a graph and in a compiled program."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

_ON_THE_HOST = "Do that in the head's `features`, which run on the host."
# What they pass on, the operations that take it are named for.
_CARRIERS = ("Assert", "Const")

_KINDS = {
    "hash tables": "Table",
    "ragged tensors": "Ragged",
    "calls of the host": "PyFunc|Iterator|Dataset",
}


class Finding(NamedTuple):
    """What stands in a TPU's way.

    Attributes:
        operation: str. Its type, and its name, with that of its layer.
        rule: str. What it breaks, as in "must have no hash tables".
        remedy: str. A sentence.
    """

    operation: str
    rule: str
    remedy: str


def forbidden_operation(graph: tf.compat.v1.GraphDef) -> Finding | None:
    """Returns the first operation that is of a kind that no TPU has.

    Args:
        graph: with the functions that it calls, such as the bodies of loops.
    """
    for node in _nodes(graph):
        for kind, pattern in _KINDS.items():
            if re.search(pattern, node.op):
                return _found(node.op, node.name, f"no {kind}", _ON_THE_HOST)
        if tf.string.as_datatype_enum in _types(node):
            return _found(node.op, node.name, "no strings", _ON_THE_HOST)
    return None


def not_compiled(error: Exception) -> Finding:
    """Returns the operation that XLA's error names, and what it says."""
    text = str(error)
    remedy = "Compute it in another way, or in the head's `features`."
    match = re.search(r"No registered '(\w+)'.*?{{node (.+?)}}", text)
    if match:
        rule = "operations with an XLA kernel only"
        return _found(match[1], match[2], rule, remedy)
    match = re.search(r"Input (\d+) to node `(.+?)` with op (\w+) must", text)
    if match and "compile-time constant" in text:
        place, name, kind = match.groups()
        return Finding(
            f"{kind} ({name}), whose input {place} is computed from values",
            "sizes that do not depend on values",
            "Take it from shapes or from Python's numbers.",
        )
    reason = text.removeprefix("Failed getting HLO text: '").splitlines()[0]
    node = re.search(r"{{node (.+?)}}", text)
    return Finding(
        f"{node[1]} ({reason.rstrip('.')})" if node else reason,
        "operations that XLA compiles",
        remedy,
    )


def dynamic_dimension(hlo: str) -> Finding | None:
    """Returns the operation whose result has a size known at most.

    Args:
        hlo: a program's text, in which `f32[<=8]` has up to 8 numbers.
    """
    lines = [line for line in hlo.splitlines() if re.search(r"\[.*?<=\d", line)]
    if not lines:
        return None
    # Where the size is set, rather than passed on.
    lines.sort(key=lambda line: " set-dimension-size(" not in line)
    match = re.search(r'op_type="(.*?)" op_name="(.*?)"', lines[0])
    return _found(
        *(match.groups() if match else (lines[0].strip(), "the program")),
        "sizes that do not depend on values",
        "Keep all values, and weigh with 0 those that do not count: "
        "`tf.where` with three arguments, in place of `tf.boolean_mask`.",
    )


def _nodes(graph) -> Iterator:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _types(node) -> set[int]:
    """Returns the types of an operation's inputs and outputs."""
    definition = op_def_registry.get(node.op)
    calls = any(attr.HasField("func") for attr in node.attr.values())
    if definition is None or calls or node.op in _CARRIERS:
        return set()
    found = {
        argument.type
        for argument in (*definition.input_arg, *definition.output_arg)
    }
    for attr in node.attr.values():
        found |= {attr.type, *attr.list.type}
    return found


def _found(kind: str, name: str, rule: str, remedy: str) -> Finding:
    return Finding(f"{kind} ({name})", rule, remedy)
