"""Loads an opened checkpoint, whole or not at all.

An encoder and its rules must cover each other: every variable of the source's
encoder is mapped or ignored by name, and every variable of ours has its
source. Heads are checked when they are loaded; other variables are ignored.
"""

import contextlib
import dataclasses
import difflib
import re
import threading
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadSource
from keras_bert_zoo.checkpoints.contents import HeadWeights
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.checkpoints.rules import Shape
from keras_bert_zoo.checkpoints.rules import expand
from keras_bert_zoo.checkpoints.rules import read_rule
from keras_bert_zoo.checkpoints.shapes import check_config
from keras_bert_zoo.checkpoints.shapes import encoder_shapes
from keras_bert_zoo.checkpoints.shapes import head_shapes
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers.initial_weights import weights_are_read
from keras_bert_zoo.registry import encoders


@dataclasses.dataclass(frozen=True)
class LoadReport:
    """Which of a source's variables were read, and which were ignored.

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


def load_head(contents: Contents, kind: str) -> HeadWeights | None:
    """Reads the head of one kind alone; `None` where there is none.

    Raises:
        InputError: if it is there and cannot be read.
    """
    for head in contents.heads:
        if kind in (head.kind, *head.also):
            _check_head(contents, head)
            return _read_head(contents, head)._replace(kind=kind)
    return None


def load_encoder(
    contents: Contents, **changes
) -> tuple[keras.Model, LoadReport]:
    """Builds the encoder and fills it.

    Args:
        contents: what the source holds.
        **changes: arguments of the encoder that replace the source's.

    Raises:
        InputError: if the checkpoint and the encoder do not cover each other.
    """
    if contents.rules is None:
        config = {**contents.config, **changes}
        planned = _planned_shapes(contents.encoder, config, contents.origin)
        if planned is not None:
            _check_paths(contents, planned)
        with weights_are_read():
            encoder = build_encoder(contents.encoder, config, contents.origin)
        rules, report = _check_paths(contents, variable_shapes(encoder))
        _fill(encoder, rules, contents)
        return encoder, report
    config = {
        "use_pooler": contents.has_pooler,
        **contents.config,
        **changes,
    }
    check_config(config, contents.origin)
    shapes = encoder_shapes(config)
    rules = expand(contents.rules, config["num_layers"])
    report = check_coverage(contents, config, rules, shapes)
    with weights_are_read():
        encoder = build_encoder("bert", config, contents.origin)
    _fill(encoder, rules, contents)
    return encoder, report


def build_encoder(
    name: str, config: Mapping[str, Any], origin: str
) -> keras.Model:
    """Builds the registered encoder of that name, with random weights.

    Raises:
        InputError: if there is none, or it cannot be made of `config`.
    """
    encoder_class = encoders.get(name)
    if encoder_class is BertEncoder:
        check_config(config, origin)
    try:
        _check_dtype(config.get("dtype"))
        return encoder_class(**config)
    except InputError:
        raise
    # Whatever a constructor makes of arguments that a file gave it: sizes
    # beyond memory or recursion, too, which have types of TensorFlow's.
    except Exception as error:
        raise InputError(
            f"{origin} must state an encoder. Received: "
            f"{_first_line(error):.400} Correct its configuration; if its "
            "sizes are meant, it needs more memory."
        ) from error


def _check_dtype(dtype: Any) -> None:
    """Checks that weights and outputs would be floats.

    Raises:
        ValueError: if they would not.
    """
    if dtype is None:
        return
    policy = keras.dtype_policies.get(dtype)
    if isinstance(policy, keras.dtype_policies.DTypePolicyMap):
        return
    types = {policy.variable_dtype, policy.compute_dtype}
    quantized = isinstance(policy, keras.dtype_policies.QuantizedDTypePolicy)
    if quantized or not all(map(keras.backend.is_float_dtype, types)):
        raise ValueError(f"a dtype that is not of floats: {policy.name}.")


def _planned_shapes(
    name: str, config: Mapping[str, Any], origin: str
) -> dict[str, tuple[int, ...]] | None:
    """Returns path -> shape of an encoder's variables, allocating none.

    `None` where it cannot be built so. In a thread of its own, because what
    such a scope leaves uninitialized, the next one in its thread allocates.
    """
    shapes = []

    def plan() -> None:
        with (
            contextlib.suppress(Exception),
            keras.StatelessScope(initialize_variables=False),
        ):
            shapes.append(variable_shapes(build_encoder(name, config, origin)))

    thread = threading.Thread(target=plan)
    thread.start()
    thread.join()
    return shapes[0] if shapes else None


def _check_paths(
    contents: Contents, shapes: Mapping[str, Shape]
) -> tuple[list[Rule], LoadReport]:
    """Checks arrays that bear the paths of the variables they fill."""
    rules = [Rule(path, (path,)) for path in shapes]
    return rules, check_coverage(contents, {}, rules, shapes)


def variable_shapes(encoder: keras.Model) -> dict[str, tuple[int, ...]]:
    """Returns path -> shape of an encoder's variables.

    Raises:
        InputError: if two have one path.
    """
    shapes: dict = {}
    for variable in encoder.weights:
        if variable.path in shapes:
            raise InputError(
                "Each variable of an encoder must have a path of its own. "
                f"Received two of {variable.path}. Give their layers "
                "different names."
            )
        shapes[variable.path] = tuple(variable.shape)
    return shapes


def check_vocabulary(tokenizer, config: Mapping, origin: str) -> None:
    """Checks that the token table has a row for each token.

    Raises:
        InputError: if there are more tokens than rows, or rows are no number.
    """
    num_tokens = tokenizer.vocabulary_size
    num_rows = config.get("vocabulary_size", num_tokens)
    if type(num_rows) is not int:
        raise InputError(
            f"{origin}: `vocabulary_size` must be an integer. Received: "
            f"{num_rows!r:.80}. Check the configuration."
        )
    if num_tokens > num_rows:
        raise InputError(
            f"{origin}: the token table must have a row for each "
            f"token of the vocabulary. Received: {num_tokens} tokens for "
            f"{num_rows} rows. Use the vocabulary that the checkpoint was "
            "trained with."
        )


def spare_rows(config: Mapping, tokenizer) -> tuple[str, ...]:
    """Returns a note on rows of the token table that no token has, if any.

    Tables are padded to a multiple of 8 or 64, for the sake of speed.
    """
    if tokenizer is None:
        return ()
    num_tokens = tokenizer.vocabulary_size
    num_rows = config.get("vocabulary_size", num_tokens)
    if num_tokens >= num_rows:
        return ()
    return (
        f"The token table has {num_rows} rows for {num_tokens} tokens: rows "
        f"{num_tokens} to {num_rows - 1} belong to no token.",
    )


def _fill(encoder: keras.Model, rules: list[Rule], contents: Contents) -> None:
    plan = {rule.target: rule for rule in rules}
    for variable in encoder.weights:
        variable.assign(
            read_rule(
                plan[variable.path],
                contents.variables,
                tuple(variable.shape),
                contents.origin,
            )
        )


def _read_head(contents: Contents, head: HeadSource) -> HeadWeights:
    shapes = shapes_of_head(contents, head)
    weights = {
        rule.target: read_rule(
            rule, contents.variables, shapes[rule.target], contents.origin
        )
        for rule in head.rules
    }
    return HeadWeights(head.kind, list(head.labels), weights, dict(head.config))


def check_coverage(
    contents: Contents,
    config: Mapping,
    rules: list[Rule],
    shapes: Mapping[str, Shape],
) -> LoadReport:
    """Checks names and shapes of the encoder. Reads no array.

    Args:
        contents: what the source holds.
        config: arguments of the encoder that is to be filled.
        rules: the expanded rules for encoders.
        shapes: path -> shape of that encoder's variables.

    Raises:
        InputError: naming the first variable that is missing or misshapen,
            or those of the encoder that no rule knows.
    """
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
        if not _problem(contents, head):
            used.update(*(rule.sources for rule in head.rules))
    spare = {
        name
        for rule in rules
        if rule.target not in shapes and rule.target.startswith("pooler/")
        for name in rule.sources
    }
    ignored, unknown = [], []
    for name in sorted(set(contents.variables.shapes) - used):
        known = name in contents.tied or name in spare
        known = known or not name.startswith(contents.encoder_names)
        if known or any(re.fullmatch(rule, name) for rule in contents.ignored):
            ignored.append(name)
        else:
            unknown.append(name)
    if unknown:
        raise InputError(
            f"{contents.origin}: every variable of an encoder must be "
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
    expected = rule.layout.shape(piece, config.get("num_heads", 1))
    for name in rule.sources:
        if name not in contents.variables.shapes:
            near = difflib.get_close_matches(name, contents.variables.shapes)
            raise InputError(
                f"{contents.origin}: variable {name!r} is missing; it fills "
                f"{rule.target!r}. Nearest names that are there: "
                f"{', '.join(map(repr, near)) or 'none'}. Check that the "
                "checkpoint is complete and is a BERT."
            )
        received = tuple(contents.variables.shapes[name])
        if received != expected:
            raise InputError(
                f"{contents.origin}: variable {name!r} must have the shape "
                f"{expected}. Received: {received}. Use the configuration that "
                "belongs to the checkpoint."
            )


def _problem(contents: Contents, head: HeadSource) -> str:
    """Returns why a head cannot be read; nothing where it can."""
    expected = shapes_of_head(contents, head)
    try:
        for rule in head.rules:
            _check_rule(contents, rule, expected[rule.target], contents.config)
    except InputError as error:
        return str(error)
    return head.problem


def _check_head(contents: Contents, head: HeadSource) -> None:
    problem = _problem(contents, head)
    if problem:
        raise InputError(problem)
    if head.kind == "masked_lm":
        for name, target in contents.tied.items():
            if name in contents.variables.shapes:
                _check_tied(contents, name, target)


def _check_tied(contents: Contents, name: str, target: str) -> None:
    (rule,) = [rule for rule in contents.rules if rule.target == target]
    shape = contents.variables.shapes[rule.sources[0]]
    ours = read_rule(rule, contents.variables, shape, contents.origin)
    theirs = contents.variables.read(name).astype(np.float32)
    if not np.array_equal(ours, theirs):
        raise InputError(
            f"{contents.origin}: variable {name!r} must repeat "
            f"{rule.sources[0]!r}. Received other values: an output "
            "projection of its own is not supported. Load the encoder alone, "
            "or remove the variable to load the head without it."
        )


def shapes_of_head(contents: Contents, head: HeadSource) -> dict[str, Shape]:
    """Returns name -> shape that a head's variables must have."""
    num_labels = len(head.labels)
    if not num_labels:
        for rule in head.rules:
            if rule.target == "bias":
                shape = contents.variables.shapes.get(rule.sources[0], ())
                num_labels = shape[0] if len(shape) == 1 else 0
    return head_shapes(head.kind, contents.config, num_labels)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(repr(name) for name in names[:5]) + more
