"""What every tokenizer returns."""

import dataclasses

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class TokenSpans:
    """The tokens of `B` texts and where they stand, all int32 (B, None).

    Starts are inclusive, ends exclusive, both counted in the user's own
    string; bytes are those of its UTF-8 form.
    """

    ids: tf.RaggedTensor
    byte_starts: tf.RaggedTensor
    byte_ends: tf.RaggedTensor
    char_starts: tf.RaggedTensor
    char_ends: tf.RaggedTensor
