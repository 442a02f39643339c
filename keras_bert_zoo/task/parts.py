"""Builds a task model from encoder, head and tokenizer, and checks them."""

from collections.abc import Sequence

import keras

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.encoding import frozen
from keras_bert_zoo.task.head import TaskHead
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.training.optimizers.layer_rates import layers_from_below


def checked_length(
    encoder: keras.Model, tokenizer: Tokenizer, length: int | None
) -> int:
    """Returns the sequence length, once encoder and tokenizer are checked.

    Args:
        encoder: the encoder.
        tokenizer: the tokenizer.
        length: int, or `None` for as many as the encoder reads.

    Raises:
        InputError: if the encoder reads fewer, or embeds fewer tokens than
            the vocabulary has.
    """
    num_tokens = tokenizer.vocabulary_size
    if num_tokens > encoder.vocabulary_size:
        raise InputError(
            "The encoder must embed every token. Received: "
            f"{num_tokens} tokens, vocabulary_size="
            f"{encoder.vocabulary_size}. Use the vocabulary that the encoder "
            "was trained with."
        )
    longest = encoder.max_sequence_length
    if length is None:
        return longest
    length = arguments.whole_number("sequence_length", length, lowest=0)
    num_special = tokenizer.num_special_tokens(1)
    shortest = num_special + 1
    if not shortest <= length <= longest:
        raise InputError(
            f"`sequence_length` must lie between {shortest} and the encoder's "
            f"{longest} positions. Received: sequence_length={length}. "
            + (
                f"A sequence has {num_special} special tokens."
                if length < shortest
                else f"Give {longest}, or build the encoder with "
                f"max_sequence_length={length}."
            )
        )
    return length


def built(
    head: TaskHead, encoder: keras.Model, freeze_encoder: bool
) -> keras.Model:
    """Returns a head's model on an encoder, frozen or not.

    Args:
        head: the head.
        encoder: the encoder. Nothing in it changes but that one whose
            `trainable` was false is trained where it is not to be frozen.
        freeze_encoder: bool. See `TaskModel`.
    """
    if not freeze_encoder:
        # It would reach all layers, those that the user froze among them.
        if not encoder.trainable:
            encoder.trainable = True
        return head.build(encoder)
    with frozen(encoder):
        return head.build(encoder)


def untrained_variables(
    used: Sequence[keras.Variable],
    encoder: keras.Model,
    freeze_encoder: bool,
    freeze_embeddings: bool,
) -> list[keras.Variable]:
    """Returns the variables of an encoder that a model does not train.

    Those of layers that its head does not need, and of frozen ones. The
    encoder may also stand under other heads, which train them.

    Args:
        used: weights of the head's model.
        encoder: the encoder.
        freeze_encoder, freeze_embeddings: bool. See `TaskModel`.
    """
    if freeze_encoder:
        return encoder.weights
    reached = {id(variable) for variable in used}
    untrained = [
        variable for variable in encoder.weights if id(variable) not in reached
    ]
    if freeze_embeddings:
        for layer in layers_from_below(encoder)[0]:
            untrained += layer.weights
    return untrained
