"""Replaced-token detection: a generator replaces, the encoder detects."""

import math
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import AttentionMask
from keras_bert_zoo.layers import TransformerBlock
from keras_bert_zoo.pretraining import objective
from keras_bert_zoo.pretraining import segments
from keras_bert_zoo.pretraining.corpus import Corpus
from keras_bert_zoo.pretraining.masking import mask_tokens
from keras_bert_zoo.pretraining.metrics import TokenAccuracy
from keras_bert_zoo.pretraining.metrics import TokenLoss
from keras_bert_zoo.pretraining.objectives.masked_lm import MASK_UNITS
from keras_bert_zoo.pretraining.objectives.masked_lm import MASKING_OPTIONS
from keras_bert_zoo.pretraining.segments import Cut
from keras_bert_zoo.pretraining.token_logits import MASK_POSITIONS
from keras_bert_zoo.pretraining.token_logits import masked_lm_variables
from keras_bert_zoo.pretraining.token_logits import token_logits
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import Option
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task import encode_outputs
from keras_bert_zoo.task import log_frequencies
from keras_bert_zoo.training.losses import WeightedMean
from keras_bert_zoo.training.token_means import TokenMean

GENERATOR, REPLACED = "generator", "replaced_tokens"
ORIGINALS, DRAWS = "mask_originals", "mask_draws"
# Draws are whole numbers below this: as fine as a float32 can tell.
NUM_DRAWS = 2**24
# Clark et al.: so much does the encoder's loss count beside the generator's.
LOSS_WEIGHT = 50.0


class ReplacedTokens(objective.Objective):
    """Detects the tokens that a generator has replaced, as ELECTRA does.

    The generator is a smaller transformer that shares the encoder's
    embeddings, and learns the masked LM at the same time. It fills the masked
    tokens with draws from what it predicts; the encoder classifies every token
    as original or replaced. The generator is not saved.

    Draws come from the input pipeline, so that they are the same on any
    number of devices, and after a resume.

    Args:
        mask_rate: float in (0, 1). Fraction of tokens masked.
        mask_unit: str. What is masked at a time: `tokens`, whole `words`, or
            `spans` of words.
        generator_size: float in (0, 1]. Width of the generator as a fraction
            of the encoder's.

    Logits: a dict of `generator`, `(R, P, V)` float32, at the masked tokens,
    and `replaced_tokens`, `(R, S, 2)`: the logit that a token was replaced,
    and, beside it, 1 where it was.

    Raises:
        InputError: if an option breaks a rule.

    Source: Clark et al., 2020 (arXiv:2003.10555).
    """

    name = "replaced_tokens"

    def __init__(
        self,
        mask_rate: float = 0.15,
        mask_unit: str = "tokens",
        generator_size: float = 0.25,
    ):
        if mask_unit not in MASK_UNITS:
            raise InputError(
                f"`mask_unit` must be one of {', '.join(MASK_UNITS)}. "
                f"Received: mask_unit={mask_unit!r:.40}."
            )
        for option, value, rule, most in (
            ("mask_rate", mask_rate, "above 0 and below 1", 1 - 1e-6),
            ("generator_size", generator_size, "above 0 and at most 1", 1.0),
        ):
            value = arguments.finite_number(option, value, rule)
            if not 0 < value <= most:
                raise InputError(
                    f"`{option}` must be {rule}. Received: {option}={value}."
                )
        self.mask_rate = mask_rate
        self.mask_unit = mask_unit
        self.generator_size = generator_size

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            *MASKING_OPTIONS,
            Option(
                "generator_size",
                float,
                0.25,
                "width of the generator, as a fraction of the encoder's",
            ),
        )

    def get_config(self) -> dict:
        return {
            "mask_rate": self.mask_rate,
            "mask_unit": self.mask_unit,
            "generator_size": self.generator_size,
        }

    def cut(self, corpus: Corpus, capacity: int, seed: int) -> Iterator[Cut]:
        return segments.full_sentences(corpus, capacity, seed)

    def features(
        self, examples: Mapping[str, Any], tokenizer, sequence_length: int
    ) -> Features:
        seed = examples[feature_names.RANDOM_SEED]
        packed = tokenizer.pack([examples[objective.FIRST]], sequence_length)
        masked = mask_tokens(
            packed.token_ids, seed, tokenizer, self.mask_rate, self.mask_unit
        ).or_nothing()
        positions = masked.positions
        draws = tf.random.stateless_uniform(
            tf.shape(positions.flat_values),
            tf.random.fold_in(seed, tf.constant(7, seed.dtype), alg="philox"),
            0,
            NUM_DRAWS,
            tf.int32,
            alg="philox",
        )
        is_asked = positions.flat_values >= 0
        ones = tf.ones_like(packed.token_ids, tf.float32)
        return Features(
            {
                **packed.inputs,
                feature_names.TOKEN_IDS: masked.token_ids,
                MASK_POSITIONS: positions.with_flat_values(
                    tf.maximum(positions.flat_values, 0)
                ),
                # One more than the token, so that 0 is none.
                ORIGINALS: masked.originals.with_flat_values(
                    tf.where(is_asked, masked.originals.flat_values + 1, 0)
                ),
                DRAWS: positions.with_flat_values(draws),
            },
            {
                GENERATOR: masked.originals,
                REPLACED: tf.zeros_like(packed.token_ids),
            },
            {
                GENERATOR: positions.with_flat_values(
                    tf.cast(is_asked, tf.float32)
                ),
                REPLACED: ones,
            },
            packed.num_truncated,
        )

    def build(self, encoder: keras.Model) -> keras.Model:
        extra = {
            name: keras.Input((None,), dtype="int32", name=name)
            for name in (MASK_POSITIONS, ORIGINALS, DRAWS)
        }
        inputs = dict(encoder.input)
        guesses = token_logits(
            encoder,
            self._generator(encoder, inputs),
            extra[MASK_POSITIONS],
        )
        filled = FillIn(name="fill_in")(
            inputs[feature_names.TOKEN_IDS],
            guesses,
            extra[MASK_POSITIONS],
            extra[ORIGINALS],
            extra[DRAWS],
        )
        encoded = encode_outputs(
            encoder,
            {**inputs, feature_names.TOKEN_IDS: filled["token_ids"]},
            [feature_names.SEQUENCE_OUTPUT],
        )[feature_names.SEQUENCE_OUTPUT]
        hidden = keras.layers.Dense(
            encoded.shape[-1],
            activation="gelu",
            dtype=encoder.dtype_policy,
            name="replaced_transform",
        )(encoded)
        logits = keras.layers.Dense(1, dtype="float32", name="replaced_logits")(
            hidden
        )
        return keras.Model(
            {**inputs, **extra},
            {
                GENERATOR: guesses,
                REPLACED: BesideTargets(name="beside_targets")(
                    logits, filled["is_replaced"]
                ),
            },
        )

    def _generator(self, encoder: keras.Model, inputs: Mapping[str, Any]):
        """Returns the vectors of a smaller transformer, `(R, S, H)`."""
        config = encoder.get_config()
        width = config["hidden_dim"]
        heads = max(round(config["num_heads"] * self.generator_size), 1)
        small = max(round(width * self.generator_size / heads), 1) * heads
        embeddings = encoder.get_layer("embeddings")
        others = [
            inputs[name]
            for name in inputs
            if name not in (feature_names.TOKEN_IDS, feature_names.PADDING_MASK)
        ]
        policy = encoder.dtype_policy
        hidden = embeddings(inputs[feature_names.TOKEN_IDS], *others)
        hidden = keras.layers.Dense(
            small, dtype=policy, name="generator_projection"
        )(hidden)
        mask = AttentionMask(dtype=policy, name="generator_mask")(
            inputs[feature_names.PADDING_MASK]
        )
        for index in range(config["num_layers"]):
            hidden = TransformerBlock(
                heads,
                4 * small,
                activation=config["activation"],
                dropout=config["dropout"],
                attention_dropout=config["attention_dropout"],
                layer_norm_epsilon=config["layer_norm_epsilon"],
                initializer_range=config["initializer_range"],
                dtype=policy,
                name=f"generator_block_{index}",
            )(hidden, mask)
        return hidden

    def start_from(self, model: keras.Model, counts: np.ndarray) -> None:
        bias = masked_lm_variables(model)["output_bias"]
        if np.any(keras.ops.convert_to_numpy(bias)):
            return
        padded = np.zeros(bias.shape)
        padded[: len(counts)] = counts
        bias.assign(log_frequencies(padded, prior_count=0.1))
        # Most draws are wrong at first.
        model.get_layer("replaced_logits").bias.assign(
            [math.log(self.mask_rate / (1 - self.mask_rate))]
        )

    def baselines(self, counts: np.ndarray, held_out) -> dict[str, float]:
        return {f"{REPLACED}_accuracy": 1 - self.mask_rate}

    def losses(self) -> dict:
        return {
            GENERATOR: WeightedMean(
                TokenLoss(reduction="mean_with_sample_weight")
            ),
            REPLACED: WeightedMean(
                ReplacedLoss(reduction="mean_with_sample_weight")
            ),
        }

    def loss_weights(self) -> dict:
        return {GENERATOR: 1.0, REPLACED: LOSS_WEIGHT}

    def weighted_metrics(self) -> dict:
        return {GENERATOR: [TokenAccuracy()], REPLACED: [ReplacedAccuracy()]}

    def token_inputs(self) -> tuple[TensorInfo, ...]:
        meanings = {
            MASK_POSITIONS: "positions of the masked tokens, from 0",
            ORIGINALS: "what stood there, plus 1; 0 for nothing",
            DRAWS: f"random numbers below {NUM_DRAWS}",
        }
        return tuple(
            TensorInfo(name, "int32", (None, None), meaning)
            for name, meaning in meanings.items()
        )

    def published_weights(self, model: keras.Model) -> list[HeadWeights]:
        return []


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class FillIn(keras.layers.Layer):
    """Puts drawn tokens into the place of masked ones.

    Call arguments:
        token_ids: int32 `(R, S)`, with masked tokens.
        logits: float `(R, P, V)`, of the tokens at the positions.
        positions: int32 `(R, P)`.
        originals: int32 `(R, P)`: what stood there, plus 1; 0 for nothing.
        draws: int32 `(R, P)`, below `NUM_DRAWS`.

    Returns a dict of int32 `(R, S)`: `token_ids`, with draws in them, and
    `is_replaced`, 1 where a draw is not the original.
    """

    def call(self, token_ids, logits, positions, originals, draws):
        chances = ops.softmax(ops.stop_gradient(logits), axis=-1)
        sums = ops.cumsum(chances, axis=-1)
        point = (ops.cast(draws, "float32") + 0.5) / NUM_DRAWS
        # Sums may end a little below 1.
        drawn = ops.sum(
            ops.cast(sums < point[..., None] * sums[..., -1:], "int32"), axis=-1
        )
        rows = tf.range(tf.shape(positions)[0])[:, None]
        rows = tf.broadcast_to(rows, tf.shape(positions))
        places = tf.stack([rows, positions], axis=-1)
        # Positions that ask for nothing are those of a special token, which
        # is not to change.
        here = tf.gather(token_ids, positions, batch_dims=1)
        drawn = tf.where(originals > 0, drawn, here)
        true = tf.where(originals > 0, originals - 1, here)
        # Padded positions repeat one row's first token: all give the same.
        filled = tf.tensor_scatter_nd_update(token_ids, places, drawn)
        restored = tf.tensor_scatter_nd_update(token_ids, places, true)
        return {
            "token_ids": filled,
            "is_replaced": tf.cast(filled != restored, tf.int32),
        }

    def compute_output_spec(
        self, token_ids, logits, positions, originals, draws
    ):
        return {
            name: keras.KerasTensor(token_ids.shape, dtype="int32")
            for name in ("token_ids", "is_replaced")
        }


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class BesideTargets(keras.layers.Layer):
    """Returns `(R, S, 2)`: logits `(R, S, 1)` and, beside them, targets."""

    def call(self, logits, targets):
        targets = ops.cast(targets, "float32")[..., None]
        return ops.concatenate([ops.cast(logits, "float32"), targets], axis=-1)


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class ReplacedLoss(keras.losses.Loss):
    """Binary cross-entropy of logits with the targets that stand beside them.

    Call arguments:
        y_true: `(R, S)`; what it holds plays no part.
        y_pred: float `(R, S, 2)`, logits and targets.
    """

    def call(self, y_true, y_pred):
        logits, targets = y_pred[..., 0], ops.stop_gradient(y_pred[..., 1])
        return (
            ops.relu(logits)
            - logits * targets
            + ops.log1p(ops.exp(-ops.abs(logits)))
        )


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class ReplacedAccuracy(TokenMean):
    """Fraction of tokens rightly classified as original or replaced.

    Call arguments of `update_state`: see `ReplacedLoss`, and `TokenMean`.
    """

    def __init__(self, name: str = "accuracy", **kwargs):
        super().__init__(name=name, **kwargs)
        self._direction = "up"

    def update_state(self, y_true, y_pred, sample_weight=None):
        is_right = (y_pred[..., 0] > 0) == (y_pred[..., 1] > 0.5)
        super().update_state(ops.cast(is_right, self.dtype), sample_weight)
