"""The project's own modules and what each of them imports."""

import ast
import functools
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("keras_bert_zoo", "savedmodels", "task_heads")


@functools.cache
def modules() -> dict[str, pathlib.Path]:
    """Returns the file of every module, by dotted name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[-1] == "__init__":
                parts = parts[:-1]
            found[".".join(parts)] = path
    return found


@functools.cache
def syntax_tree(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text("utf-8"))


@functools.cache
def imports(name: str) -> frozenset[str]:
    """Returns what a module imports, inside of functions too.

    One of the project's own modules is named in full; of another package,
    only the first part is.
    """
    found = set()
    for node in ast.walk(syntax_tree(name)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in modules() else node.module)
    return frozenset(
        target if target in modules() else target.split(".")[0]
        for target in found
    )


def third_party_imports(name: str) -> set[str]:
    """Returns the first parts of what is neither ours nor Python's."""
    return {
        target
        for target in imports(name)
        if "." not in target
        and target not in PACKAGES
        and target not in sys.stdlib_module_names
    }
