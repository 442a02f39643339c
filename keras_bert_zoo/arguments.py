"""Arguments: rules that many have in common, and options.

An option is an argument that is declared once, for all that take it: a field
of a class derived from `Options`, or an argument of a workflow. Its annotation
says which values are allowed, an entry in the docstring's `Args` what they
mean. From these follow signatures, checks, flags and keys of TOML files.

An option's annotation is `bool`, `str`, a `Literal` of texts, or one of the
types below, with `| None` if it is optional. An argument with any other
annotation has no flag, and its function checks it.

NumPy's numbers and flags count as Python's, and become such, so that they
can be saved.
"""

import dataclasses
import difflib
import functools
import inspect
import math
import numbers
import operator
import os
import re
import textwrap
import typing
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Annotated
from typing import Any
from typing import ClassVar

from keras_bert_zoo.errors import InputError

# What int32 holds, the type of numbers in a graph.
HIGHEST = 2**31 - 1


def whole_number(
    name: str, value: Any, lowest: int = 1, highest: int = HIGHEST
) -> int:
    """Returns an argument as an int.

    Args:
        name: str. The argument's.
        value: what was given.
        lowest, highest: int. The range allowed, both ends within it.

    Raises:
        InputError: if it is no whole number, or not in `[lowest, highest]`.
    """
    proper = isinstance(value, numbers.Integral) and not is_flag(value)
    if not proper or not lowest <= value <= highest:
        limit = "" if highest >= HIGHEST else f" and at most {highest:,}"
        raise InputError(
            f"`{name}` must be a whole number, at least {lowest}{limit}. "
            f"Received: {name}={value!r:.40}. Choose one in that range."
        )
    return int(value)


def finite_number(
    name: str, value: Any, rule: str = "a finite number"
) -> float:
    """Returns an argument as a float.

    Args:
        name: str. The argument's.
        value: what was given.
        rule: str. What the error says it must be.

    Raises:
        InputError: if it is not a finite number.
    """
    proper = isinstance(value, numbers.Real) and not is_flag(value)
    try:
        number = float(value) if proper else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InputError(
            f"`{name}` must be {rule}. Received: {name}={value!r:.40}."
        )
    return number


def dropout(rate: float, name: str = "dropout") -> float:
    """Returns a probability of zeroing an activation.

    Args:
        rate: float. The probability.
        name: str. Of the argument, for messages.

    Raises:
        InputError: if it is not a number in [0, 1).
    """
    rule = "at least 0 and below 1"
    rate = finite_number(name, rate, rule)
    if not 0 <= rate < 1:
        raise InputError(
            f"`{name}` must be {rule}. Received: {name}={rate!r}. 0 turns it "
            "off."
        )
    return rate


def unicode_label(label: str) -> str:
    """Returns a label that has a UTF-8 form.

    Raises:
        InputError: if it holds a lone surrogate.
    """
    if not label.isascii() and any("\ud800" <= c <= "\udfff" for c in label):
        raise InputError(
            "A label must be valid Unicode. Received a lone surrogate in "
            f"{ascii(label)}. Write both halves of the pair, or remove it."
        )
    return label


def flag(name: str, value: Any) -> bool:
    """Returns an argument as a bool.

    Raises:
        InputError: if it is none; a string such as "no" would count as true.
    """
    if not is_flag(value):
        raise InputError(
            f"`{name}` must be True or False. Received: {name}={value!r:.40}."
        )
    return bool(value)


def checked_call(
    function: Callable, name: str, options: Mapping[str, Any]
) -> Any:
    """Returns what a function or class makes of options.

    Args:
        function: it.
        name: str. What it is, to a user.
        options: the keyword arguments.

    Raises:
        InputError: if it takes others, or needs more.
    """
    signature = inspect.signature(function)
    try:
        signature.bind(**options)
    except TypeError as error:
        known = signature.parameters
        raise InputError(
            f"{name} takes the options {', '.join(known)}. "
            f"Received: {', '.join(options) or 'none'}: {error}. Give those "
            "that it needs, and leave out the others."
            + suggestion(options, known)
        ) from error
    return function(**options)


def suggestion(names: Iterable[str], known: Iterable[str]) -> str:
    """Returns a sentence on what unknown names may mean, after a space.

    Args:
        names: that were given.
        known: that there are.

    Returns:
        Nothing where no known name is like an unknown one.
    """
    known = list(known)
    found = [
        near
        for name in names
        if name not in known
        for near in difflib.get_close_matches(name, known, 1)
    ]
    return f" Did you mean {', '.join(found)}?" if found else ""


def is_flag(value: Any) -> bool:
    """Returns whether a value is a bool of Python's or NumPy's."""
    # Without importing NumPy, which takes a while.
    return isinstance(value, bool) or type(value).__name__ in ("bool_", "bool")


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
    """A field or an argument that is an option, or what a plugin declares.

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
        takes_it = self.values.takes_objects and value is not None
        if takes_it and not self.can_be_flag(value):
            return value
        return self.checked_flag(value)

    def checked_flag(self, value: Any) -> Any:
        """Returns what a flag or a file gives as one of the option's type.

        Raises:
            InputError: if it is not allowed.
        """
        received = f"{self.name}={value!r:.60}"
        try:
            plain = _READERS[self.values.type](value)
            is_allowed = self.values.allows(plain)
        except (TypeError, OverflowError):
            is_allowed = False
            received += f", of type {type(value).__name__}"
        rule = self.values.rule
        if self.choices:
            rule = f"one of {', '.join(self.choices)}"
            is_allowed = is_allowed and plain in self.choices
        if not is_allowed:
            remedy = "" if self.is_required else ", or leave it out"
            raise InputError(
                f"`{self.name}` must be {rule}. Received: {received}. Give "
                f"another value{remedy}."
            )
        return plain


class Options:
    """Options that are declared together, as the fields of a dataclass.

    Those derived from it are `dataclass(frozen=True, kw_only=True)`, and check
    their values. `{NAME}` in their docstrings stands for the entries of that
    class, one of their bases.

    Attributes:
        alternatives: tuples of names, of which one option may be given; the
            others are `None`.

    Raises:
        InputError: if a value is not allowed, or two alternatives are given.
    """

    alternatives: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def __init_subclass__(cls):
        # With -OO there are none.
        doc = inspect.cleandoc(cls.__doc__ or "")
        cls.__doc__ = _filled(doc, cls.__mro__)

    def __post_init__(self):
        for option in declared(type(self)):
            value = option.checked(getattr(self, option.name))
            object.__setattr__(self, option.name, value)
        for kind in type(self).__mro__:
            for names in vars(kind).get("alternatives", ()):
                self._check_alternatives(names)

    def _check_alternatives(self, names):
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            shown = [f"{name}={getattr(self, name)}" for name in given]
            raise InputError(
                f"Only one of {' and '.join(given)} is allowed. Received: "
                f"{', '.join(shown)}. Leave one of them out."
            )

    @classmethod
    def among(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Returns those of some values that are its options', by name."""
        names = [field.name for field in dataclasses.fields(cls)]
        return {name: values[name] for name in names if name in values}


def takes(*taken: Options) -> Callable[[Callable], Callable]:
    """Returns a decorator of a function whose `**` argument takes options.

    Its signature and docstring then show each, as if it were an argument, in
    the order of the docstring, where `{NAME}` stands for those of a class.
    Arguments of its own go before options of the same name.

    Args:
        *taken: with the values that hold where none are given; kept as the
            function's `taken_options`.
    """

    def decorated(function):
        function.taken_options = taken
        function.__doc__ = _filled(
            inspect.getdoc(function) or "", [type(one) for one in taken]
        )
        own = inspect.signature(function)
        parameters = {}
        for one in taken:
            hints = typing.get_type_hints(type(one), include_extras=True)
            function.__annotations__ |= one.among(hints)
            for name, each in inspect.signature(type(one)).parameters.items():
                parameters[name] = each.replace(default=getattr(one, name))
        parameters |= own.parameters
        texts = _argument_texts(function.__doc__)
        names = [name for name in parameters if name not in texts]
        ordered = [parameters[name] for name in [*names, *texts]]
        function.__signature__ = own.replace(
            parameters=sorted(ordered, key=lambda one: one.kind)
        )
        return function

    return decorated


@functools.cache
def declared(declaring: Callable) -> tuple[Option, ...]:
    """Returns the options that the arguments of a function or class are."""
    hints = typing.get_type_hints(declaring, include_extras=True)
    texts = _argument_texts(inspect.getdoc(declaring) or "")
    options = []
    for name, parameter in inspect.signature(declaring).parameters.items():
        values, choices = _values_of(hints.get(name))
        if values is None:
            continue
        group, text = texts.get(name, ("", ""))
        is_positional = (
            parameter.kind is parameter.POSITIONAL_OR_KEYWORD and not options
        )
        options.append(
            Option(
                name,
                values,
                parameter.default,
                text.rstrip("."),
                group,
                choices,
                is_positional,
            )
        )
    return tuple(options)


def _bool(value: Any) -> bool:
    if not is_flag(value):
        raise TypeError
    return bool(value)


def _int(value: Any) -> int:
    if is_flag(value):
        raise TypeError
    return operator.index(value)


def _float(value: Any) -> float:
    if is_flag(value) or not isinstance(value, numbers.Real):
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


PLAIN = {
    bool: Values(bool, "true or false"),
    int: Values(int, "a whole number"),
    float: Values(float, "a number"),
    str: Values(str, "a text"),
}

Positive = Annotated[int, _whole()]
Batches = Annotated[int, _whole("BATCHES")]
Epochs = Annotated[int, _whole("EPOCHS")]
Steps = Annotated[int, _whole("STEPS")]
StepsFromZero = Annotated[int, _whole("STEPS", 0)]
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

VariableName = Annotated[
    str,
    Values(str, "a text without a slash", re.compile("[^/]+").fullmatch),
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
        return PLAIN[str], typing.get_args(hint)
    return (PLAIN.get(hint) if isinstance(hint, type) else None), None


def _argument_texts(doc: str) -> dict[str, tuple[str, str]]:
    """Returns name -> (group, text) from the `Args` of a docstring.

    `Args:` begins the arguments without a group, `Args, NAME:` a group's.
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
    return found


def _filled(doc: str, kinds: Iterable[type]) -> str:
    """Returns a docstring with entries of classes in place of their names.

    An argument that the docstring explains itself has no second entry.
    """
    own = _argument_texts(doc)
    docs = {kind.__name__: kind.__doc__ for kind in kinds}

    def entries(match):
        return "\n".join(
            textwrap.fill(
                f"{name}: {text}",
                width=76,
                initial_indent=" " * 4,
                subsequent_indent=" " * 8,
                break_long_words=False,
                break_on_hyphens=False,
            )
            for name, (_, text) in _argument_texts(docs[match[1]]).items()
            if name not in own
        )

    return re.sub(r"^    \{(\w+)\}$", entries, doc, flags=re.MULTILINE)
