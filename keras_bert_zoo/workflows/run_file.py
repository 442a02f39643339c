"""The configuration of a run as a TOML file."""

import os
import pathlib
import re
import tomllib
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo import __version__
from keras_bert_zoo.arguments import Option
from keras_bert_zoo.atomic_io import atomic_file
from keras_bert_zoo.errors import InputError

RUN_FILE = "run.toml"
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}


def write_run_file(
    values: Mapping[str, Any],
    options: Iterable[Option],
    path: str | os.PathLike,
    verb: str = "train",
) -> None:
    """Writes the options of a run, which `--config` reads.

    Args:
        values: by name. `None` is left out; what was given in Python and no
            flag can give, such as rows in memory, is named in a comment.
        options: those that are flags.
        path: of the file.
        verb: str. Of the command line.
    """
    lines = [
        f"# A run of keras-bert-zoo {__version__}. Repeat it with",
        f"# bert-zoo {verb} --config {RUN_FILE} --out OTHER_DIR",
    ]
    flags = {option.name: option for option in options}
    for name, value in values.items():
        if value is None:
            continue
        if name in flags and flags[name].can_be_flag(value):
            plain = flags[name].checked(value)
            lines.append(f"{name} = {toml_value(plain)}")
        else:
            lines.append(f"# {name}: {type(value).__name__}, given in Python")
    with atomic_file(path) as temporary:
        temporary.write_text("\n".join([*lines, ""]), encoding="utf-8")


def read_run_file(path: str | os.PathLike) -> dict[str, Any]:
    """Returns the options in a file, by their names in Python.

    Raises:
        InputError: if the file is no TOML, or an option stands there twice.
        OSError: if it cannot be read.
    """
    try:
        # With the mark that some editors put at the beginning, or without.
        found = tomllib.loads(pathlib.Path(path).read_text("utf-8-sig"))
    # Endless numbers are a `ValueError` of their own, as bad TOML is.
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: a configuration must be TOML in UTF-8. Received: "
            f"{error}. Mend that line."
        ) from error
    values = {}
    for key, value in found.items():
        name = key.replace("-", "_")
        if name in values:
            raise InputError(
                f"{path}: an option must stand once. Received: {name} with _ "
                "and with -. Leave one of them out."
            )
        values[name] = value
    return values


def toml_value(value: Any) -> str:
    """Returns a text, number, truth value or list of them as TOML.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, bool):
        return str(value).lower()
    # NumPy's numbers, which some of these are, have a `repr` of their own.
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        # `1e-05`, `inf` and `nan` are the same in both languages.
        return float.__repr__(value)
    if isinstance(value, str):
        text = re.sub(r'["\\\x00-\x1f\x7f]', _escaped, value)
        return f'"{text}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    raise TypeError(type(value).__name__)


def _escaped(match: re.Match) -> str:
    character = match[0]
    return _ESCAPES.get(character) or f"\\u{ord(character):04x}"
