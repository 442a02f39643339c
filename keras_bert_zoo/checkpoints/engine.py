"""Moves arrays between a source's names and shapes and ours.

Every variable of the source is mapped, repeated or ignored by name, and
every variable of ours is filled, or nothing is loaded.
"""

import dataclasses
import re
from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np

from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadSource
from keras_bert_zoo.checkpoints.head_weights import HeadWeights
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.checkpoints.rules import Shape
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.checkpoints.rules import expand
from keras_bert_zoo.checkpoints.shapes import check_sizes
from keras_bert_zoo.checkpoints.shapes import encoder_shapes
from keras_bert_zoo.checkpoints.shapes import head_shapes
from keras_bert_zoo.encoder import BertEncoder
from keras_bert_zoo.errors import InputError

_FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """What became of a source's variables.

    Attributes:
        kind: str. Name of the source.
        origin: str. Path or name of the checkpoint.
        num_mapped: int. Variables of the source that were read.
        ignored: tuple of str. Variables that belong to nothing of ours.
        notes: tuple of str. What else the user should know.
    """

    kind: str
    origin: str
    num_mapped: int
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        encoder: `BertEncoder` with the weights.
        tokenizer: `BertTokenizer`, or `None` where there is no vocabulary.
        heads: tuple of `HeadWeights`.
        report: `LoadReport`.
    """

    encoder: BertEncoder
    tokenizer: object
    heads: tuple[HeadWeights, ...]
    report: LoadReport

    @property
    def head(self) -> HeadWeights | None:
        """The first of `heads`, or `None`."""
        return self.heads[0] if self.heads else None


def load(contents: Contents) -> Checkpoint:
    """Reads encoder, heads and tokenizer.

    Raises:
        InputError: naming the variable that is missing, misshapen or known
            to no rule; or if vocabulary and token table differ in size.
    """
    tokenizer = read_tokenizer(contents, contents.config)
    encoder, report = load_encoder(contents)
    heads = tuple(_read_head(contents, head) for head in contents.heads)
    return Checkpoint(encoder, tokenizer, heads, report)


def load_encoder(
    contents: Contents, **changes
) -> tuple[BertEncoder, LoadReport]:
    """Builds the encoder and fills it.

    Args:
        contents: what the source holds.
        **changes: arguments of `BertEncoder` that replace the source's.
    """
    config = {
        "use_pooler": contents.has_pooler,
        **contents.config,
        **changes,
    }
    check_sizes(config, contents.origin)
    shapes = encoder_shapes(config)
    rules = expand(contents.rules, config["num_layers"])
    plan = {rule.target: rule for rule in rules if rule.target in shapes}
    report = _checked(contents, config, rules, shapes)
    encoder = BertEncoder(**config)
    for variable in encoder.weights:
        rule = plan[variable.path]
        variable.assign(
            read_rule(
                rule, contents.variables, tuple(variable.shape), contents.origin
            )
        )
    return encoder, report


def read_tokenizer(contents: Contents, config: Mapping):
    """Returns the source's tokenizer, checked against the token table.

    Raises:
        InputError: if the vocabulary's size is not the table's.
    """
    tokenizer = contents.tokenizer()
    if tokenizer is None:
        return None
    found, expected = len(tokenizer.vocabulary), config["vocabulary_size"]
    if found != expected:
        raise InputError(
            f"{contents.origin}: the vocabulary must have one token for each "
            f"row of the token table. Received: {found} tokens for "
            f"{expected} rows. Use the vocabulary that the checkpoint was "
            "trained with; if its table was padded or extended, append a "
            "token for each further row."
        )
    return tokenizer


def read_rule(
    rule: Rule, variables: Variables, shape: Shape, origin: str
) -> np.ndarray:
    """Returns one of our arrays, float32 `shape`, from the source's."""
    piece = (*shape[:-1], shape[-1] // len(rule.sources))
    arrays = []
    for name in rule.sources:
        array = variables.read(name)
        if array.dtype.name not in _FLOATS:
            raise InputError(
                f"{origin}: variable {name!r} must be floating-point. "
                f"Received: {array.dtype.name}. Convert the checkpoint to "
                "float32 first."
            )
        arrays.append(rule.layout.read(array.astype(np.float32), piece))
    return np.concatenate(arrays, axis=-1) if len(arrays) > 1 else arrays[0]


def write_rules(
    rules: Iterable[Rule], values: Mapping[str, np.ndarray], num_heads: int
) -> dict[str, np.ndarray]:
    """Returns source name -> array for each of our arrays in `values`."""
    written = {}
    for rule in rules:
        pieces = np.split(values[rule.target], len(rule.sources), axis=-1)
        for name, piece in zip(rule.sources, pieces, strict=True):
            shape = rule.layout.shape(piece.shape, num_heads)
            array = rule.layout.write(piece, shape)
            written[name] = np.ascontiguousarray(array)
    return written


def _checked(
    contents: Contents,
    config: Mapping,
    rules: list[Rule],
    shapes: Mapping[str, Shape],
) -> LoadReport:
    """Checks names and shapes of the whole checkpoint; reads no array."""
    targets = {rule.target for rule in rules}
    for path in shapes:
        if path not in targets:
            raise InputError(
                f"{contents.origin}: a {contents.kind} checkpoint has no "
                f"{path!r}. Received an architecture that needs it. Use the "
                "checkpoint's own architecture."
            )
    used = set()
    for rule in rules:
        if rule.target in shapes:
            _check_rule(contents, rule, shapes[rule.target], config)
            used.update(rule.sources)
    for head in contents.heads:
        expected = _head_shapes(contents, head)
        for rule in head.rules:
            _check_rule(contents, rule, expected[rule.target], config)
            used.update(rule.sources)
    for name, target in contents.tied.items():
        if name in contents.variables.shapes:
            _check_tied(contents, name, rules, target, shapes)
    spare = {
        name
        for rule in rules
        if rule.target not in shapes and rule.target.startswith("pooler/")
        for name in rule.sources
    }
    ignored, unknown = [], []
    for name in sorted(set(contents.variables.shapes) - used):
        known = name in contents.tied or name in spare
        if known or any(re.fullmatch(rule, name) for rule in contents.ignored):
            ignored.append(name)
        else:
            unknown.append(name)
    if unknown:
        raise InputError(
            f"{contents.origin}: every variable of a checkpoint must be "
            f"known. Received: {_some(unknown)}, which no rule of the "
            f"{contents.kind} source maps or ignores. Check that the "
            "checkpoint is a BERT with the layers that its configuration "
            "states."
        )
    return LoadReport(
        contents.kind,
        contents.origin,
        len(used),
        tuple(ignored),
        contents.notes,
    )


def _check_rule(
    contents: Contents, rule: Rule, shape: Shape, config: Mapping
) -> None:
    piece = (*shape[:-1], shape[-1] // len(rule.sources))
    expected = rule.layout.shape(piece, config["num_heads"])
    for name in rule.sources:
        if name not in contents.variables.shapes:
            raise InputError(
                f"{contents.origin}: variable {name!r} is missing; it fills "
                f"{rule.target!r}. Check that the checkpoint is complete and "
                "is a BERT."
            )
        found = tuple(contents.variables.shapes[name])
        if found != expected:
            raise InputError(
                f"{contents.origin}: variable {name!r} must have the shape "
                f"{expected}. Received: {found}. Use the configuration that "
                "belongs to the checkpoint."
            )


def _check_tied(
    contents: Contents,
    name: str,
    rules: list[Rule],
    target: str,
    shapes: Mapping[str, Shape],
) -> None:
    (rule,) = [rule for rule in rules if rule.target == target]
    ours = read_rule(rule, contents.variables, shapes[target], contents.origin)
    theirs = contents.variables.read(name).astype(np.float32)
    if not np.array_equal(ours, theirs):
        raise InputError(
            f"{contents.origin}: variable {name!r} must repeat "
            f"{rule.sources[0]!r}. Received other values: an output "
            "projection of its own is not supported. Remove the variable to "
            "load without it."
        )


def _head_shapes(contents: Contents, head: HeadSource) -> dict[str, Shape]:
    num_labels = len(head.labels)
    if not num_labels:
        for rule in head.rules:
            if rule.target == "bias":
                shape = contents.variables.shapes.get(rule.sources[0], ())
                num_labels = shape[0] if len(shape) == 1 else 0
    return head_shapes(head.kind, contents.config, num_labels)


def _read_head(contents: Contents, head: HeadSource) -> HeadWeights:
    shapes = _head_shapes(contents, head)
    weights = {
        rule.target: read_rule(
            rule, contents.variables, shapes[rule.target], contents.origin
        )
        for rule in head.rules
    }
    return HeadWeights(head.kind, list(head.labels), weights, dict(head.config))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(repr(name) for name in names[:5]) + more
