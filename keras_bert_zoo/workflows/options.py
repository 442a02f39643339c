"""The options of a workflow, read from its signature and docstring.

Each option is declared once, as an argument of its workflow: the annotation
says which values are allowed, the docstring what they mean. Flags, keys of
TOML files and the checks of the workflow itself follow from that. What several
workflows take is explained by one of them, and the others say "as in
`finetune`".

An annotation is `bool`, `str`, a `Literal` of texts, or one of the types below;
with `| None` where the option may be left out. An argument with another
annotation is for Python alone.
"""

import dataclasses
import inspect
import numbers
import operator
import os
import re
import typing
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Annotated
from typing import Any

import keras_bert_zoo
from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError


@dataclasses.dataclass(frozen=True)
class Values:
    """The values that an option takes.

    Attributes:
        type: `str`, `int`, `float`, `bool` or `list` (of texts).
        rule: str. What a value must be.
        allows: function of a value of this type; whether it may be.
        metavar: str or `None`. Stands for a value in the help of the flag.
        takes_objects: bool. Whether a Python caller may give an object that
            no flag can, such as rows in memory; it is not checked.
    """

    type: type
    rule: str
    allows: Callable[[Any], bool] = lambda value: True
    metavar: str | None = None
    takes_objects: bool = False


@dataclasses.dataclass(frozen=True)
class Option:
    """An argument of a workflow, or of a plugin.

    Attributes:
        name: str, as in Python.
        values: `Values`.
        default: `inspect.Parameter.empty` where a value is required.
        help: str. What it means.
        group: str. Heading in the help; empty for none.
        choices: the texts allowed, where they are few.
        is_positional: bool. Whether it is the first argument, which the
            command line takes without a flag.
    """

    name: str
    values: Values
    default: Any
    help: str
    group: str = ""
    choices: tuple[str, ...] | None = None
    is_positional: bool = False

    @property
    def is_required(self) -> bool:
        return self.default is inspect.Parameter.empty

    def can_be_flag(self, value: Any) -> bool:
        """Returns whether a value that is not `None` can be a flag's."""
        if self.values.takes_objects:
            return isinstance(value, str | os.PathLike)
        try:
            self.checked(value)
        except InputError:
            return False
        return True

    def checked(self, value: Any) -> Any:
        """Returns a value as one of the option's type.

        Raises:
            InputError: if it is not allowed.
        """
        if value is None and self.default is None:
            return None
        if self.values.takes_objects and not self.can_be_flag(value):
            return value
        return self.checked_flag(value)

    def checked_flag(self, value: Any) -> Any:
        """Returns what a flag or a file gives as one of the option's type.

        Raises:
            InputError: if it is not allowed.
        """
        try:
            plain = _READERS[self.values.type](value)
            is_allowed = self.values.allows(plain)
        except (TypeError, OverflowError):
            is_allowed = False
        rule = self.values.rule
        if self.choices:
            rule = f"one of {', '.join(self.choices)}"
            is_allowed = is_allowed and plain in self.choices
        if not is_allowed:
            raise InputError(
                f"`{self.name}` must be {rule}. Received: "
                f"{self.name}={value!r:.60}."
            )
        return plain


def options_of(workflow: Callable) -> list[Option]:
    """Returns the options that the arguments of a workflow are."""
    hints = typing.get_type_hints(workflow, include_extras=True)
    texts = _argument_texts(inspect.getdoc(workflow) or "")
    options = []
    for name, parameter in inspect.signature(workflow).parameters.items():
        values, choices = _values_of(hints.get(name))
        if values is None:
            continue
        group, text = texts[name]
        is_positional = (
            parameter.kind is parameter.POSITIONAL_OR_KEYWORD and not options
        )
        options.append(
            Option(
                name,
                values,
                parameter.default,
                text,
                group,
                choices,
                is_positional,
            )
        )
    return options


def plugin_options(plugin: Any, group: str) -> list[Option]:
    """Returns the options that a plugin declares, as those of a workflow.

    Args:
        plugin: has `options()`, which returns `task.Option`s.
        group: str. Heading in the help.
    """
    return [
        Option(one.name, _PLAIN[one.type], one.default, one.help, group)
        if one.choices is None
        else Option(
            one.name, _TEXT, one.default, one.help, group, tuple(one.choices)
        )
        for one in plugin.options()
    ]


def checked(options: Iterable[Option], given: Mapping[str, Any]) -> dict:
    """Returns the values of options, each as one of its type.

    Raises:
        InputError: if one is not allowed.
    """
    return {one.name: one.checked(given[one.name]) for one in options}


def _bool(value: Any) -> bool:
    if not arguments.is_flag(value):
        raise TypeError
    return bool(value)


def _int(value: Any) -> int:
    if arguments.is_flag(value):
        raise TypeError
    return operator.index(value)


def _float(value: Any) -> float:
    if arguments.is_flag(value) or not isinstance(value, numbers.Real):
        raise TypeError
    return float(value)


def _text(value: Any) -> str:
    text = os.fspath(value)
    if not isinstance(text, str):
        raise TypeError
    return text


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        raise TypeError
    is_one = isinstance(value, str | os.PathLike)
    return [_text(one) for one in ([value] if is_one else value)]


_READERS = {bool: _bool, int: _int, float: _float, str: _text, list: _texts}


def _whole(metavar: str | None = None, lowest: int = 1, highest=2**31 - 1):
    return Values(
        int,
        f"a whole number between {lowest} and {highest}",
        lambda value: lowest <= value <= highest,
        metavar,
    )


def _fraction(rule: str, allows: Callable[[float], bool]):
    return Values(float, rule, allows, "FRACTION")


def _fits_float32(value: float) -> bool:
    return 1e-37 < value < 3e38


def _is_path(value: str) -> bool:
    return "\0" not in value


_TEXT = Values(str, "a text")
_PLAIN = {
    bool: Values(bool, "true or false"),
    int: Values(int, "a whole number"),
    float: Values(float, "a number"),
    str: _TEXT,
}

Positive = Annotated[int, _whole()]
Batches = Annotated[int, _whole("BATCHES")]
Epochs = Annotated[int, _whole("EPOCHS")]
Steps = Annotated[int, _whole("STEPS")]
Tokens = Annotated[int, _whole("TOKENS")]
Seed = Annotated[int, _whole(None, 0, 2**32 - 1)]

PositiveFloat = Annotated[
    float, Values(float, "between 1e-37 and 3e38", _fits_float32)
]
Seconds = Annotated[
    float,
    Values(
        float,
        "0, or between 1e-37 and 3e38",
        lambda value: value == 0 or _fits_float32(value),
    ),
]
Fraction = Annotated[
    float, _fraction("between 0 and 1", lambda value: 0 <= value <= 1)
]
FractionBelowOne = Annotated[
    float, _fraction("at least 0 and below 1", lambda value: 0 <= value < 1)
]
FractionAboveZero = Annotated[
    float, _fraction("above 0 and at most 1", lambda value: 0 < value <= 1)
]

Column = Annotated[str, Values(str, "a text", metavar="COLUMN")]
Directory = Annotated[
    str | os.PathLike, Values(str, "a path", _is_path, metavar="DIR")
]
Texts = Annotated[
    list | str, Values(list, "a text or a list of texts", metavar="TEXT")
]
Files = Annotated[
    list | str,
    Values(list, "a path or a list of paths", metavar="FILE"),
]
# In Python, objects too: rows in memory, a `TaskModel`, a `TaskHead`.
Rows = Annotated[Any, Values(str, "a path", _is_path, "FILE", True)]
Model = Annotated[Any, Values(str, "a path or name", _is_path, "MODEL", True)]
Head = Annotated[Any, Values(str, "a name", takes_objects=True)]


def _values_of(hint: Any) -> tuple[Values | None, tuple[str, ...] | None]:
    """Returns the values that an annotation allows, and choices if few."""
    if type(None) in typing.get_args(hint):
        (hint,) = set(typing.get_args(hint)) - {type(None)}
    for one in getattr(hint, "__metadata__", ()):
        return one, None
    if typing.get_origin(hint) is typing.Literal:
        return _TEXT, typing.get_args(hint)
    return (_PLAIN.get(hint) if isinstance(hint, type) else None), None


def _argument_texts(doc: str) -> dict[str, tuple[str, str]]:
    """Returns name -> (group, text) from the `Args` of a docstring.

    `Args:` begins the arguments without a group, `Args, NAME:` a group's. The
    text "as in `WORKFLOW`" stands for that of another public workflow.
    """
    found = {}
    group, names = None, []
    for line in doc.splitlines():
        section = re.fullmatch(r"Args(?:, (.*))?:", line)
        entry = re.fullmatch(r"    \**(\w+(?:, \w+)*): (.*)", line)
        if section:
            group = section[1] or ""
        elif line and not line.startswith(" "):
            group = None
        elif group is not None and entry:
            names = entry[1].split(", ")
            found |= {name: (group, entry[2]) for name in names}
        elif group is not None and line:
            for name in names:
                found[name] = (group, f"{found[name][1]} {line.strip()}")
    return {
        name: (group, _resolved(name, text))
        for name, (group, text) in found.items()
    }


def _resolved(name: str, text: str) -> str:
    elsewhere = re.fullmatch(r"as in `(\w+)`\.", text)
    if elsewhere is None:
        return text.rstrip(".")
    workflow = getattr(keras_bert_zoo, elsewhere[1])
    return _argument_texts(inspect.getdoc(workflow) or "")[name][1]
