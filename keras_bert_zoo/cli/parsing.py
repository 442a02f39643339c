"""Argument parsing that reports a mistake in one line."""

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import NoReturn

from absl.flags import argparse_flags


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults that say something."""

    def _get_help_string(self, action):
        if action.default in (None, False) or action.required:
            return action.help
        return super()._get_help_string(action)


class ArgumentParser(argparse_flags.ArgumentParser):
    """absl's parser, with errors of one line and without abbreviations."""

    def __init__(self, **kwargs):
        super().__init__(
            allow_abbrev=False,
            formatter_class=_HelpFormatter,
            **kwargs,
        )

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See {self.prog} --help.\n")


def positive(text: str) -> int:
    """Reads a whole number above 0."""
    value = int(text)
    if not 0 < value < 2**31:
        raise argparse.ArgumentTypeError(
            f"{text[:20]} is not between 1 and {2**31 - 1}"
        )
    return value


def positive_float(text: str) -> float:
    """Reads a number above 0 that float32 can hold."""
    value = float(text)
    if not 1e-37 < value < 3e38:
        raise argparse.ArgumentTypeError(
            f"{text[:40]} is not between 1e-37 and 3e38"
        )
    return value


def not_negative(text: str) -> float:
    """Reads 0, or a number above it that float32 can hold."""
    return 0.0 if float(text) == 0 else positive_float(text)


def share(text: str) -> float:
    """Reads a number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def share_below_one(text: str) -> float:
    """Reads a number from 0 up to 1, which is none of them."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(
            f"{text[:40]} is not at least 0 and below 1"
        )
    return value


def positive_share(text: str) -> float:
    """Reads a number above 0, up to 1."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(
            f"{text[:40]} is not above 0 and at most 1"
        )
    return value


def add_options(
    parser: argparse.ArgumentParser, title: str, options: Iterable[Any]
) -> None:
    """Adds a flag for each option that a plugin declares.

    Args:
        parser: the verb's parser.
        title: str. Heading in the help.
        options: have `name`, `type`, `default`, `help` and `choices`.
    """
    group = parser.add_argument_group(title)
    for option in options:
        how = {"default": option.default, "help": option.help}
        if option.type is bool:
            how["action"] = argparse.BooleanOptionalAction
        else:
            how["type"] = option.type
            how["choices"] = option.choices
        group.add_argument(flag(option.name), dest=option.name, **how)


def chosen_options(
    args: argparse.Namespace, options: Iterable[Any]
) -> dict[str, Any]:
    """Returns the values of a plugin's options, by name."""
    return {
        option.name: getattr(args, option.name, option.default)
        for option in options
    }


def flag(name: str) -> str:
    """Returns the flag for the name of an argument."""
    return "--" + name.replace("_", "-")


def value_of(name: str, arguments: Sequence[str]) -> str | None:
    """Returns the value of one flag before all flags are known."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(name, dest="value", nargs="?")
    return parser.parse_known_args(arguments)[0].value
