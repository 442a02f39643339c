"""From logits to answers as they stand in the context, in graph ops.

Letters: `B` questions, `R` sequences, `S` tokens of a sequence, `M` most
tokens of an answer, `N` candidates.
"""

import math
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.task import TensorInfo

# Largest difference that is reported, for contexts without any token too.
MAX_DIFFERENCE = 100.0

_OFFSETS = (
    ("byte_start", "first byte, UTF-8"),
    ("byte_end", "the byte after the last"),
    ("char_start", "first character"),
    ("char_end", "the character after the last"),
)


def outputs(n_best: int) -> tuple[TensorInfo, ...]:
    """Returns the description of what `decode_answers` returns."""
    rows, best = (None,), (None, n_best)
    return (
        TensorInfo(
            "answer",
            "string",
            rows,
            'the answer as it stands in the context, "" for none',
        ),
        TensorInfo("score", "float32", rows, "its probability"),
        *(
            TensorInfo(name, "int32", rows, f"its {meaning}; -1 for no answer")
            for name, meaning in _OFFSETS
        ),
        TensorInfo(
            "no_answer_probability",
            "float32",
            rows,
            "probability that the context has no answer",
        ),
        TensorInfo(
            "null_score_difference",
            "float32",
            rows,
            "score of no answer less that of the best one, in logits, from "
            f"-{MAX_DIFFERENCE:.0f} to {MAX_DIFFERENCE:.0f}",
        ),
        TensorInfo("num_candidates", "int32", rows, "candidates found"),
        TensorInfo("candidate", "string", best, "the best answers, if any"),
        TensorInfo("candidate_score", "float32", best, "probability"),
        *(
            TensorInfo(f"candidate_{name}", "int32", best, meaning)
            for name, meaning in _OFFSETS
        ),
    )


def decode_answers(
    logits: Mapping[str, tf.Tensor],
    context: Mapping[str, Any],
    *,
    n_best: int,
    no_answer: bool,
    null_threshold: float,
) -> dict:
    """Returns answers and candidates, best first.

    A candidate begins and ends in the context, in this order, and before the
    `answer_limit` of its first token. Its score is the sum of two logits, in
    the window that has most context around its first token. Probabilities are
    of all candidates of all windows and, with `no_answer`, of none.

    Args:
        logits: `start_logits` and `end_logits`, float32 `(R, S)`.
        context: what `question_features` gave, with `num_sequences`.
        n_best: int. Candidates returned.
        no_answer: bool. Whether there may be no answer.
        null_threshold: float. There is none if the score of no answer, the
            lowest of all windows', exceeds the best candidate's by more.
    """
    windows = _Windows(context)
    scores, first, last, log_total = _window_candidates(logits, windows, n_best)
    scores, first, last = _best_of_windows(windows, scores, first, last, n_best)
    null = windows.by_question(_null_scores(logits)).to_tensor(math.inf)
    null = tf.reduce_min(null, axis=1)  # (B,)
    total = windows.by_question(log_total).to_tensor(-math.inf)
    total = tf.reduce_logsumexp(total, axis=1)
    if no_answer:
        total = tf.reduce_logsumexp(tf.stack([total, null]), axis=0)

    exists = tf.math.is_finite(scores)  # (B, N)
    probability = tf.where(exists, tf.exp(scores - total[:, None]), 0.0)
    candidates = _texts(context, first, last, exists)
    difference = tf.clip_by_value(
        null - scores[:, 0], -MAX_DIFFERENCE, MAX_DIFFERENCE
    )
    is_null = ~exists[:, 0]
    null_probability = tf.cast(is_null, tf.float32)
    if no_answer:
        null_probability = tf.exp(null - total)
        is_null |= difference > null_threshold
    return {
        "answer": tf.where(is_null, "", candidates["candidate"][:, 0]),
        "score": tf.where(is_null, null_probability, probability[:, 0]),
        **{
            name: tf.where(is_null, -1, candidates[f"candidate_{name}"][:, 0])
            for name, _ in _OFFSETS
        },
        "no_answer_probability": null_probability,
        "null_score_difference": difference,
        "num_candidates": tf.reduce_sum(tf.cast(exists, tf.int32), axis=1),
        "candidate_score": probability,
        **candidates,
    }


def readable_answers(decoded: Mapping[str, Any]) -> list[dict]:
    """Returns a dict for each question, from decoded NumPy arrays.

    Each has `answer`, its `score`, `start` and `end` in characters (`None`
    for no answer), `no_answer_probability`, `null_score_difference` and
    `candidates`, a list of dicts (`text`, `score`, `start`, `end`).
    """
    return [
        _readable({name: values[row] for name, values in decoded.items()})
        for row in range(len(decoded["answer"]))
    ]


def _readable(decoded: Mapping[str, Any]) -> dict:
    has_answer = decoded["char_start"] >= 0
    return {
        "answer": decoded["answer"].decode(),
        "score": float(decoded["score"]),
        "start": int(decoded["char_start"]) if has_answer else None,
        "end": int(decoded["char_end"]) if has_answer else None,
        "no_answer_probability": float(decoded["no_answer_probability"]),
        "null_score_difference": float(decoded["null_score_difference"]),
        "candidates": [
            {
                "text": decoded["candidate"][index].decode(),
                "score": float(decoded["candidate_score"][index]),
                "start": int(decoded["candidate_char_start"][index]),
                "end": int(decoded["candidate_char_end"][index]),
            }
            for index in range(decoded["num_candidates"])
        ],
    }


class _Windows:
    """The windows of all questions, `(R,)`, in order."""

    def __init__(self, context: Mapping[str, Any]):
        self.counts = context[feature_names.NUM_SEQUENCES]  # (B,)
        self.starts, self.ends, self.owned_starts, self.owned_ends, first = (
            tf.cast(context[name].flat_values, tf.int32)[:, None]
            for name in (
                "starts",
                "ends",
                "owned_starts",
                "owned_ends",
                "first_positions",
            )
        )
        limits = context["answer_limit"]
        # There may be no token at all.
        self._limits = tf.concat([limits.flat_values, [0]], 0)
        self._bases = tf.repeat(
            tf.cast(limits.row_starts(), tf.int32), self.counts
        )[:, None]
        # What takes a position in the sequence to a token of the context.
        self.shift = self.starts - first  # (R, 1)

    def longest_answers(self, token: tf.Tensor) -> tf.Tensor:
        """Returns the most tokens of an answer from a token on, `(R, S)`.

        Args:
            token: int32 `(R, S)`, tokens in the context; in part beyond it.
        """
        index = tf.clip_by_value(
            self._bases + token, 0, tf.size(self._limits) - 1
        )
        return tf.gather(self._limits, index) - token

    def by_question(self, values: tf.Tensor) -> tf.RaggedTensor:
        return tf.RaggedTensor.from_row_lengths(
            values, self.counts, validate=False
        )


def _window_candidates(logits, windows, n_best: int):
    """Returns the best candidates of each window, `(R, k)` each.

    That is: scores, first and last token in the context; and `(R,)`, the
    logarithm of the summed exponentials of all candidates' scores.
    """
    num_tokens = tf.shape(logits["start_logits"])[1]
    token = tf.range(num_tokens) + windows.shift  # (R, S)
    begins = (token >= windows.owned_starts) & (token < windows.owned_ends)
    ends = (token >= windows.starts) & (token < windows.ends)
    lengths = tf.where(begins, windows.longest_answers(token), 0)  # (R, S)
    longest = tf.clip_by_value(tf.reduce_max(lengths), 1, num_tokens)  # M
    start_scores = tf.where(begins, logits["start_logits"], -math.inf)
    end_scores = tf.where(ends, logits["end_logits"], -math.inf)
    beyond = tf.pad(
        end_scores, [[0, 0], [0, longest]], constant_values=-math.inf
    )
    reach = tf.range(num_tokens)[:, None] + tf.range(longest)
    pairs = tf.where(
        tf.range(longest) < lengths[:, :, None],
        start_scores[:, :, None] + tf.gather(beyond, reach, axis=1),
        -math.inf,
    )
    pairs = tf.reshape(pairs, [tf.shape(pairs)[0], num_tokens * longest])
    scores, indices = tf.math.top_k(
        pairs, tf.minimum(n_best, tf.shape(pairs)[1])
    )
    first = indices // longest + windows.shift
    last = first + indices % longest
    return scores, first, last, tf.reduce_logsumexp(pairs, axis=1)


def _best_of_windows(windows, scores, first, last, n_best: int):
    """Returns scores, first and last tokens of the best, `(B, N)` each."""

    def of_question(values, fill):
        rows = windows.by_question(values).to_tensor(fill)  # (B, windows, k)
        width = tf.shape(rows)[1] * tf.shape(rows)[2]
        rows = tf.reshape(rows, [tf.shape(rows)[0], width])
        missing = tf.maximum(n_best - width, 0)
        return tf.pad(rows, [[0, 0], [0, missing]], constant_values=fill)

    best, indices = tf.math.top_k(of_question(scores, -math.inf), n_best)
    return (
        best,
        tf.gather(of_question(first, 0), indices, batch_dims=1),
        tf.gather(of_question(last, 0), indices, batch_dims=1),
    )


def _null_scores(logits):
    return logits["start_logits"][:, 0] + logits["end_logits"][:, 0]


def _texts(context, first, last, exists) -> dict:
    """Returns text and offsets of the candidates, `(B, N)` each."""
    tokens = {"start": first, "end": last}
    row_starts = tf.cast(context["byte_start"].row_starts(), tf.int32)
    found = {}
    for name, _ in _OFFSETS:
        index = row_starts[:, None] + tokens[name.rpartition("_")[2]]
        # There may be no token at all.
        values = tf.concat([context[name].flat_values, [0]], 0)
        index = tf.where(exists, index, tf.size(values) - 1)
        found[name] = tf.gather(values, index)
    lengths = found["byte_end"] - found["byte_start"]
    texts = tf.broadcast_to(context["context"][:, None], tf.shape(lengths))
    result = {f"candidate_{name}": values for name, values in found.items()}
    result["candidate"] = tf.strings.substr(texts, found["byte_start"], lengths)
    return result
