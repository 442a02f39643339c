"""Pseudo-log-likelihood of texts under a masked language model.

Letters: `R` sequences of all texts, `N` tokens to score, `B` of them in a
batch, `S` tokens of a sequence.
"""

from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.token_logits import MASK_POSITIONS
from keras_bert_zoo.tokenization.sliding_windows import overlapping_windows
from task_heads.masked_lm.features import MASK
from task_heads.masked_lm.features import OVERLAP
from task_heads.masked_lm.features import cut
from task_heads.masked_lm.features import owned


class _Sequences(NamedTuple):
    """Texts as sequences, and the tokens to score.

    Attributes:
        inputs: dict of int32 arrays `(R, S)`.
        lengths: int `(R,)`, tokens of each sequence.
        sequence: int `(N,)`, the sequence that a token is scored in.
        position: int `(N,)`, its position there.
        num_tokens: int, one for each text, tokens of its own.
    """

    inputs: dict
    lengths: np.ndarray
    sequence: np.ndarray
    position: np.ndarray
    num_tokens: np.ndarray


def pseudo_log_likelihood(
    model: Any, texts: Sequence[str], batch_size: int = 32
) -> list[dict]:
    """Scores texts by masking each of their tokens in turn.

    A token's score is the log-probability that the model gives it when it
    alone is masked. Each token takes a pass of the encoder. A text that is
    too long becomes overlapping sequences; each token is scored where it has
    most context.

    Args:
        model: `TaskModel` with the masked-LM head.
        texts: the texts. Their tokens are batched together, those of like
            long texts first.
        batch_size: int. Masked tokens in a batch.

    Returns:
        A dict for each text: `tokens`, a list of str; `log_probabilities`, a
        list of float, in nats; `total`, their sum; and `pseudo_perplexity`,
        the exponential of minus their mean, `None` for a text without
        tokens.

    Raises:
        InputError: if the model has another head, or a text is none or
            holds `[MASK]`.

    Source: Salazar et al., 2020 (arXiv:1910.14659), sections 2 and 2.3.
    """
    _check(model, texts, batch_size)
    if not texts:
        return []
    sequences = _sequences(model, texts)
    scores = _scores(model, sequences, batch_size)
    ids = sequences.inputs[feature_names.TOKEN_IDS][
        sequences.sequence, sequences.position
    ]
    ends = np.cumsum(sequences.num_tokens)
    return [
        _answer(
            [model.tokenizer.tokens[i] for i in ids[start:end]],
            scores[start:end],
        )
        for start, end in zip(ends - sequences.num_tokens, ends)
    ]


def _check(model, texts, batch_size: int) -> None:
    if MASK_POSITIONS not in getattr(model, "input", {}):
        raise InputError(
            "Pseudo-log-likelihoods need a `TaskModel` with the head "
            f"masked_lm. Received: {type(model).__name__}, which does not "
            'score tokens. Make one with head="masked_lm".'
        )
    arguments.whole_number("batch_size", batch_size)
    if not isinstance(texts, Sequence) or isinstance(texts, str):
        raise InputError(
            "`texts` must be a list of str. Received: "
            f"{type(texts).__name__}. Put it into a list."
        )
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str) or MASK in text:
            raise InputError(
                f"A text to score must be a str without {MASK}. Received: "
                f"{text!r:.60} as text {number}. Write the word that stands "
                "there, or call `predict_text` to find it."
            )


def _sequences(model, texts) -> _Sequences:
    tokenizer = model.tokenizer
    token_ids = tokenizer.tokenize(texts)
    capacity = model.sequence_length - tokenizer.num_special_tokens(1)
    windows = overlapping_windows(
        token_ids.row_lengths(), capacity, round(OVERLAP * capacity)
    )
    packed = tokenizer.pack(
        [cut(token_ids, windows.rows, windows.starts, windows.ends)],
        model.sequence_length,
    )
    inputs = tokenizer.pad(packed.inputs)
    sequence, index = tf.where(owned(windows).to_tensor()).numpy().T
    return _Sequences(
        {name: value.numpy() for name, value in inputs.items()},
        packed.token_ids.row_lengths().numpy(),
        sequence,
        index + packed.segment_starts[0].numpy()[sequence],
        token_ids.row_lengths().numpy(),
    )


def _scores(model, sequences: _Sequences, batch_size: int) -> np.ndarray:
    """Returns the log-probability of each token, float32 `(N,)`."""
    run = tf.function(
        lambda inputs, ids: _log_probability(model, inputs, ids),
        input_signature=[
            {
                name: tf.TensorSpec((None, None), "int32")
                for name in model.input
            },
            tf.TensorSpec((None,), "int32"),
        ],
        autograph=False,
    )
    # Like lengths together, so that little padding is computed.
    order = np.argsort(sequences.lengths[sequences.sequence], kind="stable")
    scores = np.empty(len(order), np.float32)
    for start in range(0, len(order), batch_size):
        part = order[start : start + batch_size]
        sequence, position = sequences.sequence[part], sequences.position[part]
        longest = sequences.lengths[sequence].max()
        batch = {
            name: value[sequence, :longest]
            for name, value in sequences.inputs.items()
        }
        rows = np.arange(len(part))
        ids = batch[feature_names.TOKEN_IDS][rows, position]
        batch[feature_names.TOKEN_IDS][rows, position] = model.tokenizer.mask_id
        batch[MASK_POSITIONS] = position[:, None].astype("int32")
        scores[part] = run(
            {name: tf.constant(value) for name, value in batch.items()},
            tf.constant(ids),
        )
    return scores


def _log_probability(model, inputs, ids) -> tf.Tensor:
    """Returns float32 `(B,)`, of the tokens that are masked."""
    logits = model(inputs, training=False)[:, 0]  # (B, V)
    return -tf.nn.sparse_softmax_cross_entropy_with_logits(ids, logits)


def _answer(tokens: list[str], scores: np.ndarray) -> dict:
    total = float(scores.sum(dtype=np.float64))
    return {
        "tokens": tokens,
        "log_probabilities": scores.tolist(),
        "total": total,
        "pseudo_perplexity": (
            float(np.exp(-total / len(tokens))) if tokens else None
        ),
    }
