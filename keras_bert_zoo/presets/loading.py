"""The one door to models: by name, from a directory, or from a hub."""

import dataclasses
import functools
import inspect
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
from absl import logging

from keras_bert_zoo import arguments
from keras_bert_zoo import checkpoints
from keras_bert_zoo.arguments import flag
from keras_bert_zoo.checkpoints import engine as checkpoint_engine
from keras_bert_zoo.checkpoints import huggingface
from keras_bert_zoo.checkpoints.huggingface import read_tokenizer
from keras_bert_zoo.checkpoints.locations import HUGGINGFACE_HUB
from keras_bert_zoo.checkpoints.locations import has_source_prefix
from keras_bert_zoo.checkpoints.shapes import check_config
from keras_bert_zoo.checkpoints.shapes import encoder_shapes
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import directory as layout
from keras_bert_zoo.presets.catalog import Provenance
from keras_bert_zoo.presets.catalog import preset_info
from keras_bert_zoo.presets.catalog import preset_names
from keras_bert_zoo.registry import encoders
from keras_bert_zoo.tokenization import Tokenizer

_NOT_OVERRIDDEN = ("self", "name", "kwargs")


class Preset:
    """What a name or a path leads to: opened once, read when it is asked.

    Args:
        preset: name of a preset; a directory or a file of any format that
            `checkpoints` reads; or `hf:ORGANIZATION/NAME[@REVISION]`,
            `keras_hub:NAME`, `package:NAME`. A known name is that preset,
            whatever lies in the working directory: `./NAME` is the directory.
        kind: str. Name of the format, or `None` to recognize it.

    Attributes:
        report: `LoadReport`, once the encoder was loaded.

    Raises:
        InputError: if the preset is unknown, cannot be fetched, or is in a
            format that nothing reads.
    """

    def __init__(self, preset: str | os.PathLike, kind: str | None = None):
        if not isinstance(preset, str | os.PathLike):
            raise InputError(
                "A preset is the name or the path of a model. Received: "
                f"{preset!r:.80}. Give one of them."
            )
        self.name = os.fspath(preset)
        self.report: checkpoints.LoadReport | None = None
        self._kind = kind
        self._notes: list[str] = []
        self._info = None
        if kind is None and not _is_place(preset):
            self._info = preset_info(self.name)

    @functools.cached_property
    def contents(self) -> checkpoints.Contents:
        """The opened checkpoint, whose files are as they were saved."""
        if self._directory is not None:
            for weights in (False, True):
                layout.check_files(self._directory, self.task, weights=weights)
        return self._of_preset(checkpoints.open_located, *self._place)

    @functools.cached_property
    def task(self) -> dict:
        """What `task.json` says; empty where this project did not write it."""
        if self._directory is None:
            return {}
        return layout.read_task(self._directory)

    @property
    def provenance(self) -> Provenance:
        """Where the weights come from, as far as it is known."""
        if self._info is not None:
            return self._info.provenance
        if self.name.startswith(HUGGINGFACE_HUB):
            name = self.name.removeprefix(HUGGINGFACE_HUB).partition("@")[0]
            return Provenance(base_model=name)
        known = self.task.get("provenance") or {}
        fields = Provenance.__dataclass_fields__
        return Provenance(
            **{key: str(known[key]) for key in fields if key in known}
        )

    def encoder(
        self, *, load_weights: bool = True, dtype=None, **overrides
    ) -> keras.Model:
        """Builds the encoder; see `load_encoder`."""
        load_weights = flag("load_weights", load_weights)
        name, config = self._architecture(load_weights)
        changed = {**config, **overrides}
        if dtype is not None:
            changed["dtype"] = dtype
        _check_arguments(name, overrides)
        if not load_weights:
            return checkpoint_engine.build_encoder(name, changed, self.name)
        if encoders.get(name) is BertEncoder:
            _check_overrides(self.name, config, overrides)
        encoder, self.report = checkpoint_engine.load_encoder(
            self.contents, **changed
        )
        if self.report.ignored:
            logging.info(
                "%s: ignored %s.", self.name, ", ".join(self.report.ignored)
            )
        self._add_notes(())
        return encoder

    def dropout_of_all(self, rate: float | None) -> dict[str, float]:
        """Returns the overrides that set every dropout of the encoder.

        `encoder` raises an `InputError` for them if it has no dropout.

        Args:
            rate: float in [0, 1); `None` to leave the preset's.

        Raises:
            InputError: if it is not in that range.
        """
        if rate is None:
            return {}
        rate = arguments.dropout(rate, "encoder_dropout")
        name, _ = self._architecture(load_weights=False)
        parameters = inspect.signature(encoders.get(name).__init__).parameters
        rates = {"dropout": rate}
        if "attention_dropout" in parameters:
            rates["attention_dropout"] = rate
        return rates

    def tokenizer(self, engine: str = "auto") -> Tokenizer:
        """Returns the tokenizer; see `load_tokenizer`."""
        found = self.tokenizer_or_none(engine)
        if found is None:
            raise InputError(
                f"{self.name} must hold a vocabulary: vocab.txt or "
                "tokenizer.json. Received a model without one. Add the "
                "vocabulary that it was trained with."
            )
        return found

    def tokenizer_or_none(self, engine: str = "auto") -> Tokenizer | None:
        """Returns the tokenizer, or `None` where there is no vocabulary."""
        if self._directory is not None and self._info is None:
            # The weights may be absent.
            layout.check_files(self._directory, self.task, weights=False)
            found = read_tokenizer(self._directory)
            _, config = self._architecture(load_weights=False)
        else:
            found = self.contents.tokenizer()
            _, config = self._architecture(load_weights=True)
        if found is None:
            return None
        checkpoint_engine.check_vocabulary(found, config, self.name)
        self._add_notes(checkpoint_engine.spare_rows(config, found))
        if self._info is not None:
            config = {**found.get_config(), **self._info.tokenizer}
            found = found.from_config(config)
        return found.with_engine(engine)

    def head_kinds(self) -> list[str]:
        """Returns the names of the heads that are there."""
        if self.task.get("head"):
            return [self.task["head"]]
        return [head.kind for head in self.contents.heads]

    def head(self, kind: str) -> checkpoints.HeadWeights | None:
        """Returns the published head of a kind that is there, if any."""
        return checkpoint_engine.load_head(self.contents, kind)

    @functools.cached_property
    def _place(self) -> tuple[str, str]:
        source = self.name if self._info is None else self._info.source
        return self._of_preset(checkpoints.locate, source, self._kind)

    @functools.cached_property
    def _directory(self) -> pathlib.Path | None:
        """The local directory, where it is in Hugging Face's format."""
        kind, place = self._place
        if kind != huggingface.KIND:
            return None
        path = pathlib.Path(place)
        return path.parent if path.is_file() else path

    def _architecture(
        self, load_weights: bool
    ) -> tuple[str, Mapping[str, Any]]:
        """Returns the encoder's registered name, and its arguments."""
        if self._info is not None:
            return "bert", self._info.config
        if load_weights or self._directory is None:
            return self.contents.encoder, self.contents.config
        return huggingface.read_architecture(self._directory)

    def _add_notes(self, notes: tuple[str, ...]) -> None:
        for note in notes:
            if note not in self._notes:
                logging.info("%s: %s", self.name, note)
                self._notes.append(note)
        if self.report is not None:
            notes = dict.fromkeys((*self.report.notes, *self._notes))
            self.report = dataclasses.replace(self.report, notes=tuple(notes))

    def _of_preset(self, function, *arguments):
        try:
            return function(*arguments)
        except InputError as error:
            if self._info is None:
                raise
            raise InputError(f"Preset {self.name}: {error}") from error


def load_encoder(
    preset: str | os.PathLike,
    *,
    load_weights: bool = True,
    dtype=None,
    **overrides,
) -> keras.Model:
    """Builds the encoder of a preset.

    It is a `BertEncoder`, or what a package registered and
    `save_to_preset` saved.

    Args:
        preset: see `Preset`.
        load_weights: bool. Whether to load the weights rather than draw
            random ones.
        dtype: dtype policy, or `None` for the global policy (of a directory
            that this project wrote: the one it was saved with).
        **overrides: arguments of the encoder to change, such as `dropout`.

    Raises:
        InputError: if the preset is unknown, its weights cannot be fetched,
            a file is missing, truncated or changed, or an override changes
            a size that the weights have.
    """
    return Preset(preset).encoder(
        load_weights=load_weights, dtype=dtype, **overrides
    )


def load_tokenizer(
    preset: str | os.PathLike, engine: str = "auto"
) -> Tokenizer:
    """Returns the tokenizer of a preset: what `Tokenizer.from_preset` does.

    Args:
        preset: see `Preset`.
        engine: `auto`, `graph` or another; see `Tokenizer.with_engine`.

    Raises:
        InputError: if the preset is unknown or has no tokenizer, or its
            vocabulary cannot be fetched.
    """
    return Preset(preset).tokenizer(engine)


def _is_place(preset: str | os.PathLike) -> bool:
    """Says whether a preset is a path or a source, rather than a name."""
    text = os.fspath(preset)
    if isinstance(preset, os.PathLike) or has_source_prefix(text):
        return True
    if any(separator in text for separator in (os.sep, "/", ".")):
        return True
    return text not in preset_names() and pathlib.Path(text).exists()


def _check_arguments(name: str, overrides: Mapping[str, Any]) -> None:
    encoder_class = encoders.get(name)
    parameters = inspect.signature(encoder_class.__init__).parameters
    known = [key for key in parameters if key not in _NOT_OVERRIDDEN]
    unknown = sorted(set(overrides) - set(known))
    if unknown:
        raise InputError(
            f"An override must be an argument of `{encoder_class.__name__}`. "
            f"Received: {', '.join(unknown)}. Known: {', '.join(known)}."
        )


def _check_overrides(
    name: str, saved: Mapping[str, Any], overrides: Mapping[str, Any]
) -> None:
    """Checks that the weights fit the encoder that is asked for.

    Raises:
        InputError: if a size differs. The pooler may go.
    """
    changed = {**saved, **overrides}
    check_config(changed, name)
    had = encoder_shapes({**saved, "use_pooler": False})
    wanted = encoder_shapes({**changed, "use_pooler": False})
    if had != wanted or saved["num_heads"] != changed["num_heads"]:
        differing = sorted(
            key for key in overrides if saved.get(key) != overrides[key]
        )
        raise InputError(
            "An override cannot change a size that the weights have. "
            f"Received: another {', '.join(differing)} than {name} has. "
            "Leave it out, or pass load_weights=False."
        )
