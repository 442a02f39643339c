"""The presets: one JSON file each, beside this module."""

import dataclasses
import functools
import importlib.resources
import json
from typing import Any

from keras_bert_zoo.errors import InputError


@dataclasses.dataclass(frozen=True)
class Provenance:
    """Where an encoder's weights come from, as far as it is known.

    Attributes:
        base_model: str. Its name on the Hugging Face hub.
        license: str. The hub's name of the licence of the weights.
        language: str. ISO code, or `multilingual`.
    """

    base_model: str = ""
    license: str = ""
    language: str = ""


@dataclasses.dataclass(frozen=True)
class PresetInfo:
    """A published encoder.

    Attributes:
        name: str. The file's name.
        description: str. One line.
        config: dict. Arguments of `BertEncoder`.
        tokenizer: dict. Options of the tokenizer, instead of those that come
            with the vocabulary.
        num_parameters: int.
        source: str. Where weights and vocabulary come from; see `Preset`,
            or an address to download by hand.
        licence: str. SPDX identifier of the weights' licence.
        reference: str. Publications.
        language: str. ISO code, or `multilingual`.
        hub_name: str. Name of the same weights on the Hugging Face hub.
    """

    name: str
    description: str
    config: dict[str, Any]
    tokenizer: dict[str, Any]
    num_parameters: int
    source: str
    licence: str
    reference: str
    language: str
    hub_name: str

    @property
    def provenance(self) -> Provenance:
        """What a model that is trained from this preset says of it."""
        return Provenance(self.hub_name, self.licence.lower(), self.language)

    @property
    def num_bytes(self) -> int:
        """Size of the weights in float32, in bytes."""
        return 4 * self.num_parameters


def list_presets() -> list[PresetInfo]:
    """Returns all presets, the smallest first."""
    presets = (preset_info(name) for name in preset_names())
    return sorted(presets, key=lambda info: (info.num_parameters, info.name))


def preset_names() -> list[str]:
    """Returns the names of all presets, sorted."""
    return list(_files())


def preset_info(name: str) -> PresetInfo:
    """Returns the preset of that name.

    Raises:
        InputError: if there is none; the message lists the known ones.
    """
    if name not in _files():
        raise InputError(
            "A preset must be a known name, the directory of a model, or "
            f"hf:ORGANIZATION/NAME. Received: {name!r}. Known: "
            f"{', '.join(preset_names())}."
        )
    content = json.loads(_files()[name].read_text(encoding="utf-8"))
    return PresetInfo(name=name, **content)


@functools.cache
def _files() -> dict:
    folder = importlib.resources.files(__package__)
    return {
        file.name.removesuffix(".json"): file
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".json")
    }
