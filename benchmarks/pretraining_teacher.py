"""An encoder that learns MiniLM's vectors for a corpus's words.

Shows whether an encoder's size or what it is trained on limits it: in place of
masked tokens it learns, for each word, the vector that an encoder of far more
text has there. `pretraining_recipes --starts taught` runs it.
"""

import pathlib

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow
import keras
import numpy as np
import tensorflow as tf

from benchmarks import defaults
from keras_bert_zoo.pretraining.corpus import read_corpus

LENGTH = 64
BATCH_SIZE = 32
RATE = 1e-3
# The mean of these layers' normalized outputs is learned.
LAYERS = (2, 3, 4, 5)


def teach(
    before: pathlib.Path, text: pathlib.Path, passes: int, out: pathlib.Path
) -> float:
    """Trains an encoder on a teacher's vectors, and saves it.

    Returns the mean squared error of the last hundred steps, as a fraction of
    the vectors' variance.
    """
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_bfloat16")
    encoder = zoo.BertEncoder.from_preset(before)
    teacher = zoo.BertEncoder.from_preset(defaults.PRESET)
    teacher = keras.Model(
        teacher.input,
        [
            teacher.get_layer(f"transformer_block_{layer}").output
            for layer in LAYERS
        ],
    )
    tokenizers = [
        zoo.BertTokenizer.from_preset(preset)
        for preset in (before, defaults.PRESET)
    ]
    sides = passages(text, tokenizers)
    num_steps = passes * (len(sides[0][0]) // BATCH_SIZE)
    losses = []
    step = training_step(encoder, teacher, num_steps)
    for _ in range(passes):
        order = np.random.permutation(len(sides[0][0]))
        for at in range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE):
            rows = order[at : at + BATCH_SIZE]
            batch = [part[rows] for side in sides for part in side]
            losses.append(step(*map(tf.constant, batch)))
    zoo.save_preset(encoder, tokenizers[0], out, overwrite=True)
    return float(np.mean([float(loss) for loss in losses[-100:]]))


def passages(text: pathlib.Path, tokenizers) -> list[tuple]:
    """Returns, for each tokenizer, the tokens of the same passages.

    And the word that each token is of, -1 for special tokens and padding: two
    arrays, int32 `(N, LENGTH)`.
    """
    corpora = [read_corpus([text], tokenizer) for tokenizer in tokenizers]
    continues = [tokenizer.continues_word() for tokenizer in tokenizers]
    rows = [[], []]
    for number in range(corpora[0].num_documents):
        documents = [corpus.documents([number]) for corpus in corpora]
        ids = [document.token_ids for document in documents]
        starts = [
            np.append(np.flatnonzero(~flags[part]), len(part))
            for flags, part in zip(continues, ids)
        ]
        num_words = len(starts[0]) - 1
        assert len(starts[1]) - 1 == num_words, "words are not the same"
        first = 0
        while first < num_words:
            room = [side[first] + LENGTH - 2 for side in starts]
            last = min(
                np.searchsorted(side, most, side="right") - 1
                for side, most in zip(starts, room)
            )
            for side in range(2) if last > first else ():
                bounds = starts[side][first : last + 1]
                words = np.repeat(np.arange(last - first), np.diff(bounds))
                rows[side].append((ids[side][bounds[0] : bounds[-1]], words))
            first = max(last, first + 1)
    return [packed(*side) for side in zip(rows, tokenizers)]


def packed(rows, tokenizer) -> tuple[np.ndarray, np.ndarray]:
    ids, words = (
        tf.ragged.constant([list(row) for row in side], tf.int32)
        for side in zip(*rows)
    )
    inputs = tokenizer.pad(tokenizer.pack([ids], LENGTH).inputs, LENGTH)
    words = words.to_tensor(-1, shape=(None, LENGTH - 1))
    # A special token stands before them.
    words = tf.pad(words, [[0, 0], [1, 0]], constant_values=-1)
    return inputs["token_ids"].numpy(), words.numpy()


def training_step(encoder, teacher, num_steps: int):
    """Returns a function of a batch that trains, and returns the loss."""
    head = keras.layers.Dense(teacher.output[0].shape[-1], dtype="float32")
    head.build((None, None, encoder.get_config()["hidden_dim"]))
    # The pooler reads the first token's vector, which learns nothing here.
    variables = [
        one for one in encoder.trainable_variables if "pooler" not in one.path
    ]
    variables += head.trainable_variables
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.PolynomialDecay(RATE, num_steps, 0.0),
        weight_decay=0.01,
        beta_2=0.98,
        global_clipnorm=1.0,
    )
    optimizer.build(variables)

    @tf.function
    def step(ids, words, teacher_ids, teacher_words):
        layers = teacher(inputs(teacher_ids))
        targets = tf.add_n([normalized(vectors) for vectors in layers])
        of_words = tf.math.unsorted_segment_mean(
            tf.reshape(targets, (-1, targets.shape[-1])),
            segments(teacher_words),
            BATCH_SIZE * LENGTH,
        )
        is_word = words >= 0
        own = tf.boolean_mask(segments(words), tf.reshape(is_word, (-1,)))
        of_words = tf.gather(of_words, own)
        mean, variance = tf.nn.moments(of_words, 0)
        of_words = (of_words - mean) * tf.math.rsqrt(variance + 1e-6)
        with tf.GradientTape() as tape:
            found = encoder(inputs(ids), training=True)["sequence_output"]
            found = head(tf.boolean_mask(found, is_word))
            loss = tf.reduce_mean(tf.square(found - of_words))
        gradients = tape.gradient(loss, [one.value for one in variables])
        optimizer.apply(gradients, variables)
        return loss

    return step


def inputs(ids):
    return {
        "token_ids": ids,
        "segment_ids": tf.zeros_like(ids),
        "padding_mask": tf.cast(ids != 0, tf.int32),
    }


def normalized(vectors):
    vectors = tf.cast(vectors, tf.float32)
    mean, variance = tf.nn.moments(vectors, -1, keepdims=True)
    return (vectors - mean) * tf.math.rsqrt(variance + 1e-6)


def segments(words):
    """Returns int32 `(B * S,)`: numbers of a batch's words, or -1."""
    rows = tf.range(BATCH_SIZE)[:, tf.newaxis] * LENGTH
    return tf.reshape(tf.where(words >= 0, words + rows, -1), (-1,))
