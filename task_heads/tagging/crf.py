"""A conditional random field over the words of a text, on any Keras backend.

`potentials[r, s, i, j]` scores tag `j` at token `s` after tag `i - 1` at the
word before; row 0 stands for no word before. Tokens that are no words are
passed over, so the word before is not the token before. All sums are in log
space.

Letters: `R` sequences, `S` tokens of a sequence, `L` tags.

Source: Lafferty, McCallum and Pereira, 2001, Conditional Random Fields;
Rabiner, 1989, section III (forward-backward and Viterbi algorithms).
"""

import keras
from keras import ops

from keras_bert_zoo.training.token_means import token_weights

# The logarithm of next to nothing. Finite: infinities make NaN.
_NEVER = -1e9


@keras.saving.register_keras_serializable(package="task_heads")
class TransitionScores(keras.layers.Layer):
    """Adds transition scores, of each pair of neighbouring tags, to logits.

    Until it is trained it adds nothing, so that the tags do not depend on
    each other.

    Args:
        scale: float. What the weights are multiplied by. A weight moves by
            about the learning rate in each step, and rates that suit an
            encoder would leave the scores near 0.

    Input shape: `(R, S, L)` logits. Output shape: `(R, S, L + 1, L)`
    potentials, of the tag of the last axis after that of the axis before,
    whose index 0 stands for no word before.

    Source: Lample et al., 2016 (arXiv:1603.01360), section 2.2.
    """

    def __init__(self, scale: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, input_shape):
        num_tags = input_shape[-1]
        self.transitions = self.add_weight(
            shape=(num_tags + 1, num_tags),
            initializer="zeros",
            name="transitions",
        )

    def call(self, logits):
        return ops.expand_dims(logits, -2) + self.scale * self.transitions

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


@keras.saving.register_keras_serializable(package="task_heads")
class CrfLoss(keras.losses.Loss):
    """Negative log-likelihood of the words' tags, per word.

    A sum over the sequences of a batch, divided by its words, so that it
    compares with the cross-entropy of one word; with `reduction="sum"` the
    sum alone.

    Call arguments:
        y_true: int `(R, S)` tags.
        y_pred: float `(R, S, L + 1, L)` potentials.
        sample_weight: float `(R, S)`, above 0 for the tokens that are words,
            or `(R,)` for whole sequences; they count alike. All are words
            where it is `None`.
    """

    def __init__(self, name: str = "crf_loss", reduction="mean", **kwargs):
        super().__init__(name=name, reduction=reduction, **kwargs)

    def size(self, y_true, sample_weight=None):
        """Returns the number of words, float32."""
        return ops.sum(ops.cast(_is_word(y_true, sample_weight), "float32"))

    def __call__(self, y_true, y_pred, sample_weight=None):
        potentials = ops.cast(y_pred, "float32")
        tags = ops.cast(y_true, "int32")
        is_word = _is_word(tags, sample_weight)
        pairs, total = pair_marginals(potentials, is_word)
        path = path_pairs(tags, is_word, potentials.shape[-1])
        # The gradient is what the model expects less what is there. So it
        # need not be found by a second run through the loops.
        slope = ops.stop_gradient(pairs - path)
        tangent = ops.sum(slope * potentials)
        loss = ops.sum(total) - ops.sum(path * potentials)
        loss = tangent + ops.stop_gradient(loss - tangent)
        if self.reduction == "sum":
            return loss
        return loss / ops.maximum(self.size(tags, sample_weight), 1.0)


def _is_word(tags, sample_weight):
    return token_weights(tags, sample_weight) > 0


def pair_marginals(potentials, is_word):
    """Returns the probability of each pair of neighbouring words' tags.

    Args:
        potentials: float32 `(R, S, L + 1, L)`.
        is_word: bool `(R, S)`.

    Returns:
        Float32 `(R, S, L + 1, L)`, shaped like the potentials, 0 for tokens
        that are no words; and the logarithm of the sum over all taggings,
        float32 `(R,)`.
    """
    before, _ = _forward(potentials, is_word, ops.logsumexp)
    ways = before[..., None] + potentials
    logarithms = ways + _backward(potentials, is_word)[..., None, :]
    total = ops.logsumexp(logarithms, axis=(-2, -1), keepdims=True)
    pairs = ops.exp(logarithms - total)
    grown = ops.logsumexp(ways, axis=(-2, -1)) - ops.logsumexp(before, axis=-1)
    return (
        ops.where(is_word[..., None, None], pairs, 0.0),
        ops.sum(ops.where(is_word, grown, 0.0), axis=-1),
    )


def marginals(potentials, is_word):
    """Returns the probability of each tag at each word.

    Args:
        potentials: float32 `(R, S, L + 1, L)`.
        is_word: bool `(R, S)`.

    Returns:
        Float32 `(R, S, L)`, 0 for tokens that are no words.
    """
    pairs, _ = pair_marginals(potentials, is_word)
    return ops.sum(pairs, axis=-2)


def best_path(potentials, is_word):
    """Returns the likeliest tagging as a whole.

    Args:
        potentials: float32 `(R, S, L + 1, L)`.
        is_word: bool `(R, S)`.

    Returns:
        Int32 `(R, S)` tags, 0 for tokens that are no words.
    """
    before, last = _forward(potentials, is_word, ops.max)
    # The best row to come from, for each tag.
    origins = ops.argmax(before[..., None] + potentials, axis=-2)
    origins = ops.cast(origins, "int32")  # (R, S, L)

    def step(row, origin, word):
        tag = ops.maximum(row - 1, 0)
        came = ops.take_along_axis(origin, tag[:, None], axis=-1)[:, 0]
        return ops.where(word, came, row)

    end = ops.cast(ops.argmax(last, axis=-1), "int32")
    rows, _ = _walk(step, end, origins, is_word, reverse=True)
    return ops.where(is_word, rows - 1, 0)


def path_pairs(tags, is_word, num_tags: int):
    """Returns a one-hot mask of the potentials on a tagging's path.

    Args:
        tags: int `(R, S)`.
        is_word: bool `(R, S)`.
        num_tags: int. `L`.

    Returns:
        Float32 `(R, S, L + 1, L)`, 1 for the pair of a word's tag and that
        of the word before, 0 elsewhere.
    """
    tags = ops.cast(tags, "int32")
    words = ops.cast(is_word, "int32")
    rows = ops.pad(words_first(tags, is_word) + 1, [[0, 0], [1, 0]])
    num_before = ops.cumsum(words, axis=1) - words
    row = ops.take_along_axis(rows, num_before, axis=1)
    pairs = ops.one_hot(row * num_tags + tags, (num_tags + 1) * num_tags)
    pairs = ops.where(is_word[..., None], pairs, 0.0)
    return ops.reshape(pairs, (*ops.shape(tags), num_tags + 1, num_tags))


def words_first(values, is_word):
    """Moves the values of words to the front of their sequences, in order.

    Args:
        values: int `(R, S)`.
        is_word: bool `(R, S)`.

    Returns:
        Int `(R, S)`; behind the words stand the other values.
    """
    length = ops.shape(values)[1]
    position = ops.arange(length, dtype="int32")[None]
    order = ops.argsort(ops.where(is_word, position, position + length), axis=1)
    return ops.take_along_axis(values, order, axis=1)


def _forward(potentials, is_word, total):
    """Returns the forward scores up to each token, and to the end.

    Args:
        total: function that sums up ways, over the axis of its argument
            `axis`: `ops.logsumexp` over all, `ops.max` for the best.

    Returns:
        Float32 `(R, S, L + 1)`, by the row of the word before the token; and
        `(R, L + 1)`, by that of the last word. The best at a token is 0.
    """

    def step(ways, potential, word):
        reached = total(ways[..., None] + potential, axis=1)
        reached = _levelled(reached)
        reached = ops.pad(reached, [[0, 0], [1, 0]], constant_values=_NEVER)
        return ops.where(word[:, None], reached, ways)

    start = ops.pad(
        _zeros(potentials, 1),
        [[0, 0], [0, potentials.shape[-1]]],
        constant_values=_NEVER,
    )
    return _walk(step, start, potentials, is_word)


def _backward(potentials, is_word):
    """Returns the backward scores of each word, by its tag.

    Float32 `(R, S, L)`. The best at a word is about 0.
    """

    def step(ways, potential, word):
        left = ops.logsumexp(potential + ways[:, None, 1:], axis=-1)
        left = _levelled(left)
        return ops.where(word[:, None], left, ways)

    end = _zeros(potentials, potentials.shape[-2])
    after, _ = _walk(step, end, potentials, is_word, reverse=True)
    return after[..., 1:]


def _walk(step, start, values, is_word, reverse=False):
    """Scans a state over the tokens.

    Args:
        step: function from a state `(R, ...)`, values `(R, ...)` and whether
            they are a word's, bool `(R,)`, to the next state.
        start: the first state.
        values: `(R, S, ...)`.
        is_word: bool `(R, S)`.
        reverse: bool. Whether to walk from the last token to the first.

    Returns:
        The states in which the tokens are met, `(R, S, ...)`, and the last.
    """

    def move(state, position):
        value, word = (ops.take(x, position, axis=1) for x in (values, is_word))
        return step(state, value, word), state

    # Over positions: Keras cannot scan several tensors of unknown length.
    positions = ops.arange(ops.shape(values)[1], dtype="int32")
    last, met = ops.scan(move, start, positions, reverse=reverse)
    return ops.swapaxes(met, 0, 1), last


def _levelled(ways):
    # Sums that grew with the text would lose their last digits.
    return ways - ops.max(ways, axis=-1, keepdims=True)


def _zeros(potentials, width: int):
    return ops.zeros((ops.shape(potentials)[0], width), potentials.dtype)
