"""Loads what a source has opened, whole or not at all."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_bert_zoo.checkpoints.arrays import read_rule
from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadSource
from keras_bert_zoo.checkpoints.coverage import LoadReport
from keras_bert_zoo.checkpoints.coverage import check_coverage
from keras_bert_zoo.checkpoints.coverage import shapes_of_head
from keras_bert_zoo.checkpoints.head_weights import HeadWeights
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.checkpoints.rules import expand
from keras_bert_zoo.checkpoints.shapes import check_config
from keras_bert_zoo.checkpoints.shapes import encoder_shapes
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.registry import encoders


def load_head(contents: Contents, kind: str) -> HeadWeights | None:
    """Reads the head of one kind alone; `None` where there is none."""
    for head in contents.heads:
        if kind in (head.kind, *head.also):
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
        encoder = build_encoder(contents.encoder, config, contents.origin)
        shapes = variable_shapes(encoder)
        rules = [Rule(path, (path,)) for path in shapes]
        report = check_coverage(contents, {}, rules, shapes)
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
    encoder = BertEncoder(**config)
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
        return encoder_class(**config)
    except (ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{origin} must state an encoder. Received: {error} Correct its "
            "configuration."
        ) from error


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
        InputError: if there are more tokens than rows.
    """
    found = tokenizer.vocabulary_size
    expected = config.get("vocabulary_size", found)
    if found > expected:
        raise InputError(
            f"{origin}: the token table must have a row for each "
            f"token of the vocabulary. Received: {found} tokens for "
            f"{expected} rows. Use the vocabulary that the checkpoint was "
            "trained with."
        )


def spare_rows(config: Mapping, tokenizer) -> tuple[str, ...]:
    """Returns a note on rows of the token table that no token has, if any.

    Tables are padded to a multiple of 8 or 64, for the sake of speed.
    """
    if tokenizer is None:
        return ()
    found = tokenizer.vocabulary_size
    expected = config.get("vocabulary_size", found)
    if found >= expected:
        return ()
    return (
        f"The token table has {expected} rows for {found} tokens: rows "
        f"{found} to {expected - 1} belong to no token.",
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
