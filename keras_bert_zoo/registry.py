"""Named plugins, found through entry points.

A package adds a head, an encoder, a tokenizer, a kind of vocabulary, an
objective, an exporter or a checkpoint source by naming it in its own
`pyproject.toml`; nothing here knows any of them. Only the plugin asked for is
imported.
"""

import importlib.metadata
from typing import Any

from keras_bert_zoo.errors import InputError


class Registry:
    """Plugins of one kind, by name.

    Args:
        group: str. The entry-point group that packages declare.
        kind: str. What the plugins are called in messages.
    """

    def __init__(self, group: str, kind: str):
        self.group = group
        self.kind = kind
        self._registered: dict[str, Any] = {}

    def register(self, name: str, plugin: Any) -> None:
        """Adds a plugin for this process, without a package.

        Raises:
            InputError: if the name is taken.
        """
        if name in self.names():
            raise InputError(
                f"The name of a {self.kind} must be free. Received: "
                f"{name!r}, which is taken. Choose another name."
            )
        self._registered[name] = plugin

    def unregister(self, name: str) -> None:
        """Removes what `register` added."""
        self._registered.pop(name, None)

    def names(self) -> list[str]:
        """Returns the names of all plugins, sorted, importing none."""
        found = {entry.name for entry in self._entry_points()}
        return sorted(found | set(self._registered))

    def class_names(self) -> list[str]:
        """Returns the names of the plugins' classes, importing none."""
        return [entry.attr for entry in self._entry_points() if entry.attr]

    def class_named(self, class_name: str) -> Any:
        """Returns the plugin whose class has this name, or `None`."""
        for entry in self._entry_points():
            if entry.attr == class_name:
                return entry.load()
        return None

    def name_of(self, plugin: type) -> str | None:
        """Returns the name that a class is registered under, or `None`."""
        for name, registered in self._registered.items():
            if registered is plugin:
                return name
        value = f"{plugin.__module__}:{plugin.__qualname__}"
        for entry in self._entry_points():
            if entry.value == value:
                return entry.name
        return None

    def get(self, name: str) -> Any:
        """Returns the plugin of that name, importing only its module.

        Raises:
            InputError: if no plugin, or more than one package's, has the
                name; or if its module cannot be imported.
        """
        if name in self._registered:
            return self._registered[name]
        entries = {
            entry.value: entry
            for entry in self._entry_points()
            if entry.name == name
        }
        if not entries:
            known = ", ".join(self.names()) or "none"
            raise InputError(
                f"No {self.kind} has the name {name!r}. Known: {known}. A "
                "package adds one through the entry-point group "
                f"{self.group!r}."
            )
        if len(entries) > 1:
            raise InputError(
                f"The name of a {self.kind} must be unique. Received: "
                f"{name!r}, which is declared by {' and '.join(entries)}. "
                "Uninstall one of the packages."
            )
        (entry,) = entries.values()
        try:
            return entry.load()
        except (ImportError, AttributeError) as error:
            raise InputError(
                f"The {self.kind} {name!r} could not be loaded from "
                f"{entry.value}: {error}. Reinstall the package that "
                "provides it."
            ) from error

    def _entry_points(self):
        return importlib.metadata.entry_points(group=self.group)


heads = Registry("keras_bert_zoo.heads", "head")
encoders = Registry("keras_bert_zoo.encoders", "encoder")
exporters = Registry("keras_bert_zoo.exporters", "exporter")
checkpoint_sources = Registry(
    "keras_bert_zoo.checkpoint_sources", "checkpoint source"
)
objectives = Registry("keras_bert_zoo.objectives", "objective")
tokenizers = Registry("keras_bert_zoo.tokenizers", "tokenizer")
vocabularies = Registry("keras_bert_zoo.vocabularies", "kind of vocabulary")
