"""The functions that artifacts are made of, traced from a task model."""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.tokenization.packing import pad
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer

_MEANINGS = {
    feature_names.TOKEN_IDS: "rows of the vocabulary",
    feature_names.SEGMENT_IDS: "0 in the first text, 1 in the second",
    feature_names.PADDING_MASK: "1 for a real token, 0 for padding",
}


def answer_texts(model, tokenizer_engine: str):
    """Returns a function from the head's text fields to its answers.

    Texts are padded to the longest of the batch.

    Args:
        model: `TaskModel`.
        tokenizer_engine: str. `graph` or `fast`.
    """
    tokenizer = BertTokenizer(
        model.tokenizer.vocabulary,
        model.tokenizer.lowercase,
        model.tokenizer.strip_accents,
        engine=tokenizer_engine,
    )

    def answer(**texts):
        features = model.head.features(texts, tokenizer, model.sequence_length)
        inputs = pad(
            features.inputs, padding_id=tokenizer.vocabulary.padding_id
        )
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
                if key in feature_names.ENCODER_INPUTS
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
    further_length: int | None = None,
) -> Signature:
    """Returns the description of `answer_tokens`.

    Args:
        model: `TaskModel`.
        length: int or `None`. Tokens in a sequence.
        batch: int or `None`. Sequences in a batch.
        further_length: int or `None`. Width of the head's own inputs.
    """
    read = tuple(
        TensorInfo(name, "int32", (batch, length), _MEANINGS[name])
        for name in feature_names.ENCODER_INPUTS
    )
    further = tuple(
        dataclasses.replace(info, shape=(batch, further_length))
        for info in model.head.token_inputs()
    )
    return Signature(
        (*read, *further),
        (*model.head.logits_signature(), *model.head.token_outputs()),
    )


def specs(signature: Signature) -> Mapping[str, tf.TensorSpec]:
    """Returns what a function is traced with, by argument."""
    return {
        info.name: tf.TensorSpec(info.shape, info.dtype, name=info.name)
        for info in signature.inputs
    }
