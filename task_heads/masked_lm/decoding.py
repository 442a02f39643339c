"""From logits to the tokens that fill gaps, in ops of a serving graph.

Letters: `B` texts, `M` gaps of a text, `K` tokens for each, `R` sequences,
`P` asked tokens of a sequence, `V` tokens of the vocabulary.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_bert_zoo.task import TensorInfo
from task_heads.masked_lm.features import fill_masks

_GAPS = (None, None)
_TOKENS = (None, None, None)
_OUTPUTS = (
    ("num_masks", "int32", (None,), "gaps in the text"),
    ("filled_text", "string", (None,), "the text with the best tokens"),
    ("token", "string", _TOKENS, "the likeliest tokens of each gap, in order"),
    ("token_id", "int32", _TOKENS, "their rows of the vocabulary"),
    ("probability", "float32", _TOKENS, "their probabilities"),
    ("byte_start", "int32", _GAPS, "the gap's first byte, UTF-8"),
    ("byte_end", "int32", _GAPS, "the byte after its last"),
    ("char_start", "int32", _GAPS, "its first character"),
    ("char_end", "int32", _GAPS, "the character after its last"),
)


def outputs() -> tuple[TensorInfo, ...]:
    """Returns the description of what `decode_masks` returns."""
    return tuple(TensorInfo(*output) for output in _OUTPUTS)


def best_tokens(logits: tf.Tensor, top_k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the likeliest tokens, best first.

    Args:
        logits: float32 `(..., V)`.
        top_k: int. Tokens wanted; fewer where the vocabulary is smaller.

    Returns:
        Their probabilities, float32 `(..., K)`, and ids, int32 `(..., K)`.
    """
    return tf.math.top_k(tf.nn.softmax(logits), min(top_k, logits.shape[-1]))


def decode_masks(
    logits: tf.Tensor, context: Mapping[str, Any], top_k: int
) -> dict:
    """Returns the tokens for each gap, dense, padded with 0 and "".

    Args:
        logits: float32 `(R, P, V)`.
        context: what `answering_features` gave.
        top_k: int. Tokens for each gap.
    """
    texts = context["text"]
    is_asked = tf.sequence_mask(
        context["num_asked"].flat_values, tf.shape(logits)[1]
    )
    # Sequences follow the text, and so do the gaps that each one owns.
    asked = tf.gather_nd(logits, tf.where(is_asked))
    probability, token_id = best_tokens(asked, top_k)
    token = _named(token_id, context["tokens"])
    filling = _named(token_id[:, 0], context["token_texts"])

    gaps = context["byte_start"]
    offsets = {
        name: context[name].to_tensor()
        for name in ("byte_start", "byte_end", "char_start", "char_end")
    }
    return {
        "num_masks": tf.cast(gaps.row_lengths(), tf.int32),
        "filled_text": fill_masks(texts, filling),
        "token": gaps.with_flat_values(token).to_tensor(),
        "token_id": gaps.with_flat_values(token_id).to_tensor(),
        "probability": gaps.with_flat_values(probability).to_tensor(),
        **offsets,
    }


def _named(token_id, names: tf.Tensor) -> tf.Tensor:
    # An encoder may have more rows than the vocabulary has tokens.
    is_token = token_id < tf.size(names)
    known = tf.gather(names, tf.where(is_token, token_id, 0))
    return tf.where(is_token, known, "")


def mask_answers(decoded: Mapping[str, Any]) -> list[dict]:
    """Returns a dict for each text, from decoded NumPy arrays.

    Each has `filled_text` and `masks`: a list of dicts with `start` and
    `end`, in characters, and `tokens`, the best first, each a dict of
    `token`, `token_id` and `probability`.
    """
    return [
        {
            "filled_text": decoded["filled_text"][row].decode(
                "utf-8", "replace"
            ),
            "masks": [
                {
                    "start": int(decoded["char_start"][row, gap]),
                    "end": int(decoded["char_end"][row, gap]),
                    "tokens": _tokens(decoded, row, gap),
                }
                for gap in range(num_masks)
            ],
        }
        for row, num_masks in enumerate(decoded["num_masks"])
    ]


def _tokens(decoded, row: int, gap: int) -> list[dict]:
    columns = (decoded[name][row, gap] for name in _NAMES)
    return [
        {
            "token": token.decode(),
            "token_id": int(token_id),
            "probability": float(probability),
        }
        for token, token_id, probability in zip(*columns, strict=True)
    ]


_NAMES = ("token", "token_id", "probability")
