"""An opened checkpoint, and the weights of a head."""

import dataclasses
import functools
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from keras_bert_zoo.checkpoints.rules import NO_VARIABLES
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.checkpoints.rules import Variables


@dataclasses.dataclass(frozen=True)
class HeadSource:
    """A head that a source holds.

    Attributes:
        kind: str. See `HeadWeights.kind`.
        rules: from the head's variables to the source's.
        labels: list of str, in the order of the logits; may be empty.
        config: dict. See `HeadWeights.config`.
        also: kinds that the source stores in the same way, and does not tell
            from this one.
        problem: str. Why the head cannot be read, if it cannot.
    """

    kind: str
    rules: tuple[Rule, ...]
    labels: list = dataclasses.field(default_factory=list)
    config: dict = dataclasses.field(default_factory=dict)
    also: tuple[str, ...] = ()
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class Contents:
    """An opened checkpoint, before any array is read.

    Attributes:
        kind: str. Name of the source.
        origin: str. What messages call the checkpoint: a path or a name.
        config: dict. Arguments of the encoder. A missing one has its default;
            a missing `use_pooler` says whether `variables` hold a pooler.
        variables: the source's arrays.
        rules: table for the encoder; `None` where the arrays bear the paths
            of its variables.
        tokenizer: function returning a `Tokenizer`, or `None` where the
            source has no vocabulary.
        heads: the heads that the source holds.
        ignored: regular expressions; a name that matches one in full belongs
            to no variable of ours.
        encoder_names: how the names of an encoder's variables begin. All of
            them must be known; what else is not, is ignored.
        tied: dict from a name, which belongs to the head `masked_lm`, to the
            path of our variable that it repeats.
        notes: what else the user should know.
        own: arrays that only this project writes, by the path of a head's
            variable.
        architecture: str. The source's class, or variables of another head,
            where `heads` may not have the right one; else empty.
        encoder: str. Name of the encoder's class in the registry.
    """

    kind: str
    origin: str
    config: Mapping[str, Any]
    variables: Variables
    rules: tuple[Rule, ...] | None
    tokenizer: Callable[[], Any] = lambda: None
    heads: tuple[HeadSource, ...] = ()
    ignored: tuple[str, ...] = ()
    encoder_names: tuple[str, ...] = ("",)
    tied: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    own: Variables = NO_VARIABLES
    architecture: str = ""
    encoder: str = "bert"

    @functools.cached_property
    def has_pooler(self) -> bool:
        """Whether any variable of the pooler is there."""
        return any(
            name in self.variables.shapes
            for rule in self.rules
            if rule.target.startswith("pooler/")
            for name in rule.sources
        )


class HeadWeights(NamedTuple):
    """A trained head outside of any model.

    Attributes:
        kind: str. Name of the head that reads them: `classification`,
            `tagging`, `span_qa`, `masked_lm` or `next_sentence`.
        labels: list of str, in the order of the logits; may be empty.
        weights: dict of float32 numpy arrays by name, kernels `(in, out)`.
            `kernel` and `bias`; for `masked_lm` the variables of
            `MaskedLMHead`.
        config: dict. What else the source says of the task. A
            classification's `kind` is `single_label`, `multi_label` or
            `regression`.
    """

    kind: str
    labels: list
    weights: dict
    config: dict


def further_head(
    names: Iterable[str],
    rules: Iterable[Rule],
    encoder_names: tuple[str, ...],
    ignored: Iterable[str] = (),
) -> str:
    """Returns the variables of an unknown head, as text; empty if none.

    Args:
        names: those of a source's variables.
        rules: tables for the heads that are known.
        encoder_names, ignored: see `Contents`.
    """
    mapped = {name for rule in rules for name in rule.sources}
    further = sorted(
        name
        for name in set(names) - mapped
        if not name.startswith(encoder_names)
        and not any(re.fullmatch(rule, name) for rule in ignored)
    )
    if not further:
        return ""
    return f"a head with the variables {', '.join(further):.200}"


def guess_note(where: str, kind: str, other: str) -> str:
    """Returns the note on a classifier whose kind is guessed."""
    return (
        f"{where} does not say whether the classifier is of texts or of words; "
        f"it is read as {kind}. Name the head {other!r} if it is not."
    )
