"""The functions that artifacts are made of, traced from a task model."""

import dataclasses
from collections.abc import Mapping

import keras
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task.inference import Inference


def answer_texts(model, tokenizer_engine: str):
    """Returns a function from the head's text fields to its answers.

    Each field is a string tensor `(n,)` or `(n, 1)`, which have `n` answers;
    or a single text, `()`, whose answer has no axis for texts either. Texts
    are padded to the longest of the batch.

    Args:
        model: `TaskModel`.
        tokenizer_engine: str. See `Tokenizer.with_engine`.
    """
    inference = Inference(model, model.tokenizer.with_engine(tokenizer_engine))

    def answer(**texts):
        # A graph runs what it can in any order: the checks come first.
        with tf.control_dependencies(_checks(texts)):
            rows = {k: tf.reshape(value, [-1]) for k, value in texts.items()}
        answers = inference(**rows)
        ranks = [tf.rank(value) for value in texts.values()]
        is_single = tf.cast(tf.equal(tf.reduce_max(ranks), 0), tf.int32)
        return {
            name: tf.reshape(value, tf.shape(value)[is_single:])
            for name, value in answers.items()
        }

    return answer


def _checks(texts: Mapping[str, tf.Tensor]) -> list[tf.Operation]:
    """Returns checks that texts have a shape that is read."""
    first, *others = texts
    checks = []
    for name, value in texts.items():
        shape = tf.shape(value)
        checks.append(
            tf.debugging.Assert(
                tf.equal(tf.reduce_prod(shape[1:]), 1),
                [
                    f"`{name}` must be a text, or texts of the shape (n,) or "
                    "(n, 1). Received the shape",
                    shape,
                    "Give each text a row.",
                ],
            )
        )
    for name in others:
        sizes = tf.size(texts[name]), tf.size(texts[first])
        checks.append(
            tf.debugging.Assert(
                tf.equal(*sizes),
                [
                    f"`{name}` and `{first}` must have as many texts. Received",
                    *sizes,
                    "Give one of each for an answer.",
                ],
            )
        )
    # There is none where TensorFlow runs eagerly.
    return [check for check in checks if check is not None]


def answer_tokens(model):
    """Returns a function from the model's inputs to logits and answers.

    Args:
        model: `TaskModel`.
    """

    def answer(**inputs):
        logits = model(inputs, training=False)
        return {**named_logits(model, logits), **model.head.decode(logits)}

    return answer


def answer_tokens_in_length(model):
    """Returns the same, which refuses sequences that are too long.

    In the graph, where lengths are not known before. TFLite's operations
    refuse them by themselves.

    Args:
        model: `TaskModel`.
    """
    answer = answer_tokens(model)
    longest = model.encoder.max_sequence_length

    def checked(**inputs):
        length = tf.shape(inputs[feature_names.TOKEN_IDS])[1]
        check = tf.debugging.Assert(
            length <= longest,
            [
                "A sequence must not exceed the positions of the encoder, "
                f"{longest} tokens. Received",
                length,
                "Truncate it, and end it with the separator.",
            ],
        )
        # Else the encoder may fail first, with a message of its own.
        with tf.control_dependencies([check]):
            inputs = {name: tf.identity(one) for name, one in inputs.items()}
        return answer(**inputs)

    return checked


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


def text_specs(signature: Signature) -> Mapping[str, tf.TensorSpec]:
    """Returns what `answer_texts` is traced with: texts of any shape."""
    return {
        info.name: tf.TensorSpec(None, info.dtype, name=info.name)
        for info in signature.inputs
    }


def specs(signature: Signature) -> Mapping[str, tf.TensorSpec]:
    """Returns what a function is traced with, by argument."""
    return {
        info.name: tf.TensorSpec(info.shape, info.dtype, name=info.name)
        for info in signature.inputs
    }
