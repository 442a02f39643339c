"""The functions that artifacts are made of, traced from a task model."""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task.inference import Inference


def answer_texts(model, tokenizer_engine: str) -> Inference:
    """Returns a function from the head's text fields to its answers.

    Texts are padded to the longest of the batch.

    Args:
        model: `TaskModel`.
        tokenizer_engine: str. See `Tokenizer.with_engine`.
    """
    return Inference(model, model.tokenizer.with_engine(tokenizer_engine))


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
