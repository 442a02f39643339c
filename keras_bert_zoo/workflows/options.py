"""The options of a workflow, and those of plugins that stand beside them.

They are the arguments of its function: see `arguments`. Flags, keys of TOML
files and the checks of the workflow itself follow from that. What another
workflow explains has the text "as in `WORKFLOW`".
"""

import dataclasses
import re
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import keras_bert_zoo
from keras_bert_zoo.arguments import PLAIN
from keras_bert_zoo.arguments import Option
from keras_bert_zoo.arguments import declared


def options_of(workflow: Callable) -> list[Option]:
    """Returns the options that the arguments of a workflow are."""
    found = declared(workflow)
    return [dataclasses.replace(one, help=_resolved(one)) for one in found]


def plugin_options(plugin: Any, group: str) -> list[Option]:
    """Returns the options that a plugin declares, as those of a workflow.

    Args:
        plugin: has `options()`, which returns `task.Option`s.
        group: str. Heading in the help.
    """
    return [
        Option(one.name, PLAIN[one.type], one.default, one.help, group, choices)
        for one in plugin.options()
        for choices in [one.choices and tuple(one.choices)]
    ]


def checked(workflow: Callable, given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of a workflow's options, each as one of its type.

    Args:
        workflow: its function.
        given: values by name; may lack some that have a default.

    Raises:
        InputError: if one is not allowed, or two do not go together.
    """
    values = {
        one.name: one.checked(given.get(one.name, one.default))
        for one in options_of(workflow)
    }
    for one in getattr(workflow, "taken_options", ()):
        type(one)(**one.among(values))
    return values


def _resolved(option: Option) -> str:
    elsewhere = re.fullmatch(r"as in `(\w+)`", option.help)
    if elsewhere is None:
        return option.help
    workflow = getattr(keras_bert_zoo, elsewhere[1])
    (help,) = [o.help for o in options_of(workflow) if o.name == option.name]
    return help
