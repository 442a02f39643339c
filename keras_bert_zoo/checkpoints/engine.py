"""Loads what a source has opened, whole or not at all."""

from collections.abc import Mapping

from keras_bert_zoo.checkpoints.arrays import read_rule
from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadSource
from keras_bert_zoo.checkpoints.coverage import LoadReport
from keras_bert_zoo.checkpoints.coverage import check_coverage
from keras_bert_zoo.checkpoints.coverage import shapes_of_head
from keras_bert_zoo.checkpoints.head_weights import HeadWeights
from keras_bert_zoo.checkpoints.rules import expand
from keras_bert_zoo.checkpoints.shapes import check_config
from keras_bert_zoo.checkpoints.shapes import encoder_shapes
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError


def load_head(contents: Contents, kind: str) -> HeadWeights | None:
    """Reads the head of one kind alone; `None` where there is none."""
    for head in contents.heads:
        if kind in (head.kind, *head.also):
            return _read_head(contents, head)._replace(kind=kind)
    return None


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
    check_config(config, contents.origin)
    shapes = encoder_shapes(config)
    rules = expand(contents.rules, config["num_layers"])
    plan = {rule.target: rule for rule in rules if rule.target in shapes}
    report = check_coverage(contents, config, rules, shapes)
    encoder = BertEncoder(**config)
    for variable in encoder.weights:
        rule = plan[variable.path]
        variable.assign(
            read_rule(
                rule, contents.variables, tuple(variable.shape), contents.origin
            )
        )
    return encoder, report


def check_vocabulary(tokenizer, config: Mapping, origin: str) -> None:
    """Checks that the token table has a row for each token.

    Raises:
        InputError: if there are more tokens than rows.
    """
    found, expected = tokenizer.vocabulary_size, config["vocabulary_size"]
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
    found, expected = tokenizer.vocabulary_size, config["vocabulary_size"]
    if found >= expected:
        return ()
    return (
        f"The token table has {expected} rows for {found} tokens: rows "
        f"{found} to {expected - 1} belong to no token.",
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
