"""Flags made of the options of a workflow, and files in place of flags."""

import argparse
import re
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NoReturn

from absl.flags import argparse_flags

from keras_bert_zoo.arguments import Option
from keras_bert_zoo.arguments import suggestion
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.workflows.options import options_of
from keras_bert_zoo.workflows.options import plugin_options
from keras_bert_zoo.workflows.run_file import read_run_file


class ArgumentParser(argparse_flags.ArgumentParser):
    """absl's parser, with errors of one line and without abbreviations."""

    def __init__(self, **kwargs):
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith("?") else "."
        self.exit(2, f"{self.prog}: {message}{end} See {self.prog} --help.\n")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Ends the process: these arguments are not the parser's."""
        flags = [one.partition("=")[0] for one in unknown]
        meant = suggestion(flags, re.findall(r"--[\w-]+", self.format_usage()))
        shown = f"unrecognized arguments: {' '.join(unknown)}"
        self.error(f"{shown}.{meant}" if meant else shown)


def add_workflow(
    parser: argparse.ArgumentParser, verb: Any, arguments: Sequence[str]
) -> None:
    """Adds a flag for each option of a verb's workflow, and `--config`.

    A flag that is not given leaves no attribute: the defaults are the
    workflow's.

    Args:
        parser: the verb's.
        verb: module with `WORKFLOW`, a function; and perhaps `PLUGINS`, the
            option that names a plugin with options -> their registry.
        arguments: of the command line, whose configuration file is read and
            whose plugin has flags; empty for neither.

    Raises:
        InputError: if the configuration is wrong.
    """
    options = options_of(verb.WORKFLOW)
    path = _value_of("--config", arguments)
    configured = {} if path is None else read_run_file(path)
    for name, registry in getattr(verb, "PLUGINS", {}).items():
        (default,) = [o.default for o in options if o.name == name]
        plugin = _value_of(_flag(name), arguments)
        plugin = plugin or configured.get(name, default)
        if arguments and isinstance(plugin, str):
            title = f"{name} {plugin}"
            options += plugin_options(registry.get(plugin), title)
    configured = _checked(configured, path, parser.prog, options)
    for option in options:
        # argparse would add to the list.
        if option.values.type is list and _value_of(
            _flag(option.name), arguments
        ):
            configured.pop(option.name, None)
    parser.add_argument(
        "--config",
        metavar="FILE.toml",
        default=argparse.SUPPRESS,
        help="file of flags, such as `batch-size = 16`; those on the command "
        "line take precedence",
    )
    groups = {"": parser}
    for option in options:
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        is_required = option.is_required and option.name not in configured
        _add_flag(groups[option.group], option, is_required)
    parser.set_defaults(**configured)


def given(args: argparse.Namespace) -> dict[str, Any]:
    """Returns the options given by flags and file, by name."""
    return {
        name: value
        for name, value in vars(args).items()
        if name not in ("verb", "config")
    }


def _checked(
    configured: Mapping[str, Any], path: str, prog: str, options: list[Option]
) -> dict[str, Any]:
    """Returns the values of a configuration file, each of its option's type."""
    known = {option.name: option for option in options}
    values = {}
    for name, value in configured.items():
        if name not in known:
            raise InputError(
                f"{path}: {name} is not an option of `{prog}`. Known: "
                f"{', '.join(known)}.{suggestion([name], known)}"
            )
        try:
            values[name] = known[name].checked_flag(value)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    return values


def _value_of(flag: str, arguments: Sequence[str]) -> str | None:
    """Returns the value of one flag before all flags are known."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(flag, dest="value", nargs="?")
    return parser.parse_known_args(arguments)[0].value


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _add_flag(parser, option: Option, is_required: bool) -> None:
    how = {"help": _help(option), "default": argparse.SUPPRESS}
    kind = option.values.type
    if kind is bool:
        how["action"] = argparse.BooleanOptionalAction
    else:
        how["type"] = _reader(option)
        how["metavar"] = option.values.metavar
        how["choices"] = option.choices
    if kind is list:
        how["action"] = "append"
    if option.is_positional:
        how["nargs"] = None if is_required else "?"
        parser.add_argument(option.name, **how)
    else:
        parser.add_argument(
            _flag(option.name), dest=option.name, required=is_required, **how
        )


def _reader(option: Option) -> Callable[[str], Any]:
    """Returns the function that reads a flag's value."""
    kind = option.values.type

    def read(text):
        # Lists grow by one text for each time that the flag is given.
        if kind in (str, list):
            return text
        value = kind(text)
        if not option.values.allows(value):
            raise argparse.ArgumentTypeError(
                f"{text[:40]} is not {option.values.rule}"
            )
        return value

    # Named by argparse where a text is no such number.
    read.__name__ = kind.__name__
    return read


def _help(option: Option) -> str:
    text = re.sub(r" \(in Python, [^)]*\)", "", option.help)
    text = text.replace("%", "%%")
    if option.is_required or option.default is None or option.default is False:
        return text
    return f"{text} (default: {option.default})"
