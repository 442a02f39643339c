"""The functions that artifacts are made of, traced from a task model."""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TensorInfo


def answer_texts(model, tokenizer_engine: str):
    """Returns a function from the head's text fields to its answers.

    Texts are padded to the longest of the batch.

    Args:
        model: `TaskModel`.
        tokenizer_engine: str. See `Tokenizer.with_engine`.
    """
    tokenizer = model.tokenizer.with_engine(tokenizer_engine)

    def answer(**texts):
        features = model.head.features(texts, tokenizer, model.sequence_length)
        inputs = tokenizer.pad(features.inputs)
        logits = model(_not_empty(inputs), training=False)
        return model.head.decode_texts(logits, features.decoding_context())

    return answer


def _not_empty(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    # A batch of no texts has no longest one: give it a column all the same,
    # because the pooler reads the first.
    missing = tf.cast(
        tf.shape(inputs[feature_names.TOKEN_IDS])[1] == 0, tf.int32
    )
    widths = [[0, 0], [0, missing]]
    return {name: tf.pad(value, widths) for name, value in inputs.items()}


def answer_tokens(model, sequence_length: int | None = None):
    """Returns a function from the model's inputs to logits and answers.

    Args:
        model: `TaskModel`.
        sequence_length: int or `None`. Longest sequence read; what exceeds
            it is cut.
    """

    def answer(**inputs):
        if sequence_length is not None:
            inputs = {
                key: value[:, :sequence_length]
                if key in model.encoder.input
                else value
                for key, value in inputs.items()
            }
        logits = model(inputs, training=False)
        return {**named_logits(model, logits), **model.head.decode(logits)}

    return answer


def named_logits(model, logits) -> dict[str, tf.Tensor]:
    """Returns the model's raw outputs under the head's names for them."""
    described = model.head.logits_signature()
    if isinstance(logits, Mapping):
        return {info.name: logits[info.name] for info in described}
    flat = keras.tree.flatten(logits)
    return {
        info.name: value for info, value in zip(described, flat, strict=True)
    }


def token_signature(
    model,
    length: int | None,
    batch: int | None,
    extra_length: int | None = None,
) -> Signature:
    """Returns the description of `answer_tokens`.

    Args:
        model: `TaskModel`.
        length: int or `None`. Tokens in a sequence.
        batch: int or `None`. Sequences in a batch.
        extra_length: int or `None`. Width of the head's own inputs.
    """
    meanings = getattr(model.encoder, "input_meanings", {})
    read = tuple(
        TensorInfo(name, "int32", (batch, length), meanings.get(name, ""))
        for name in model.encoder.input
    )
    extra = tuple(
        dataclasses.replace(info, shape=(batch, extra_length))
        for info in model.head.token_inputs()
    )
    return Signature(
        (*read, *extra),
        (*model.head.logits_signature(), *model.head.token_outputs()),
    )


def specs(signature: Signature) -> Mapping[str, tf.TensorSpec]:
    """Returns what a function is traced with, by argument."""
    return {
        info.name: tf.TensorSpec(info.shape, info.dtype, name=info.name)
        for info in signature.inputs
    }
