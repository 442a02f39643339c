"""What a family of published models calls its variables and sizes."""

import dataclasses
import importlib
import pathlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.checkpoints.huggingface import families
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.errors import InputError


@dataclasses.dataclass(frozen=True)
class Family:
    """The names of a `model_type` of `transformers`, for both directions.

    A family is a module in `families` with the model type as its name (`-`
    written as `_`), and with a `FAMILY` of this class.

    Attributes:
        model_type: str. As `config.json` states it.
        prefix: str. What models with a head put before the encoder's names.
        sizes: required key of `config.json` -> argument of the encoder.
        defaults: optional key -> argument of the encoder, and the default.
        required: key -> the only value that the encoder computes.
        encoder_class: str. Class of the encoder alone.
        pretraining_class: str. That of the masked-LM and next-sentence heads
            together.
        head_classes: kind of head, see `HeadWeights` -> its class.
        unread_classes: classes whose head we do not have, and whose variables
            may have the names of another's.
        head_markers: kind of head -> how the names of its variables begin.
        rules: table for the encoder.
        head_rules: kind of head -> its table.
        tied: name -> path of our variable that it repeats.
        synonyms: name -> the other name under which some versions store it.
        ignored: see `Contents`.
    """

    model_type: str
    prefix: str
    sizes: Mapping[str, str]
    defaults: Mapping[str, tuple[str, Any]]
    required: Mapping[str, Any]
    encoder_class: str
    pretraining_class: str
    head_classes: Mapping[str, str]
    unread_classes: tuple[str, ...]
    head_markers: Mapping[str, str]
    rules: tuple[Rule, ...]
    head_rules: Mapping[str, tuple[Rule, ...]]
    tied: Mapping[str, str]
    synonyms: Mapping[str, str]
    ignored: tuple[str, ...]

    @property
    def encoder_names(self) -> tuple[str, ...]:
        """How the names of the encoder's variables begin."""
        names = [name for rule in self.rules for name in rule.sources]
        return tuple({f"{name.partition('.')[0]}." for name in names})


def family_of(model_type: Any, path: pathlib.Path) -> Family:
    """Returns the family of a `model_type`.

    Args:
        model_type: what a `config.json` states.
        path: its path, for messages.

    Raises:
        InputError: if there is no such family.
    """
    known = {
        module.name: f"{families.__name__}.{module.name}"
        for module in pkgutil.iter_modules(families.__path__)
    }
    name = str(model_type).replace("-", "_")
    if name not in known:
        raise InputError(
            f"{path}: `model_type` must be "
            f"{' or '.join(map(repr, sorted(known)))}. Received: "
            f"{model_type!r}. Models of other families are not read."
        )
    return importlib.import_module(known[name]).FAMILY
