"""Masked tokens and, if wanted, the order of two segments."""

import math
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import NextSentenceHead
from keras_bert_zoo.pretraining import objective
from keras_bert_zoo.pretraining import segments
from keras_bert_zoo.pretraining.corpus import Corpus
from keras_bert_zoo.pretraining.masking import mask_tokens
from keras_bert_zoo.pretraining.metrics import Perplexity
from keras_bert_zoo.pretraining.metrics import TokenAccuracy
from keras_bert_zoo.pretraining.metrics import TokenLoss
from keras_bert_zoo.pretraining.segments import Cut
from keras_bert_zoo.pretraining.token_logits import MASK_POSITIONS
from keras_bert_zoo.pretraining.token_logits import masked_lm_variables
from keras_bert_zoo.pretraining.token_logits import masked_lm_weights
from keras_bert_zoo.pretraining.token_logits import token_logits
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import Option
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task import encode_outputs
from keras_bert_zoo.task import log_frequencies
from keras_bert_zoo.training.losses import WeightedMean

MASKED_LM, NEXT_SENTENCE = "masked_lm", "next_sentence"
PAIRS = tuple(segments.CUTTERS)
MASK_UNITS = ("tokens", "words", "spans")
# What is masked, of every objective that masks tokens.
MASKING_OPTIONS = (
    Option("mask_rate", float, 0.15, "fraction of tokens to mask"),
    Option(
        "mask_unit",
        str,
        "tokens",
        "what is masked at a time: single tokens, whole words, or "
        "spans of 1 to 10 words",
        MASK_UNITS,
    ),
)


class MaskedLM(objective.Objective):
    """Predicts masked tokens, and whether one segment follows the other.

    Args:
        pairs: str. What two segments of an example are: `next_sentence`, of
            which half the time the second is of another document;
            `sentence_order`, consecutive ones, half the time swapped; `none`,
            examples of one segment.
        mask_rate: float in (0, 1). Fraction of tokens masked.
        mask_unit: str. What is masked at a time: `tokens`, whole `words`, or
            `spans` of words.

    Logits: a dict of `masked_lm`, `(R, P, V)` float32, at the `P` masked tokens
    of each example, and, for pairs, `next_sentence`, `(R, 2)`:
    index 0, the second segment follows.

    Raises:
        InputError: if an option breaks a rule.

    Source: Devlin et al., 2019 (arXiv:1810.04805), section 3.1; Lan et al.,
    2020 (arXiv:1909.11942), section 3.1, for the order of sentences.
    """

    name = "masked_lm"

    def __init__(
        self,
        pairs: str = "next_sentence",
        mask_rate: float = 0.15,
        mask_unit: str = "tokens",
    ):
        for option, value, known in (
            ("pairs", pairs, PAIRS),
            ("mask_unit", mask_unit, MASK_UNITS),
        ):
            if value not in known:
                raise InputError(
                    f"`{option}` must be one of {', '.join(known)}. Received: "
                    f"{option}={value!r:.40}."
                )
        rule = "above 0 and below 1"
        mask_rate = arguments.finite_number("mask_rate", mask_rate, rule)
        if not 0 < mask_rate < 1:
            raise InputError(
                f"`mask_rate` must be {rule}. Received: mask_rate={mask_rate}. "
                "BERT was trained with 0.15."
            )
        self.pairs = pairs
        self.mask_rate = mask_rate
        self.mask_unit = mask_unit
        self.num_segments = 1 if pairs == "none" else 2
        self.min_documents = 2 if pairs == "next_sentence" else 1

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option(
                "pairs",
                str,
                "next_sentence",
                "examples are pairs of segments: next_sentence, half of them "
                "from another document; sentence_order, half of them swapped; "
                "or none, single segments",
                PAIRS,
            ),
            *MASKING_OPTIONS,
        )

    def get_config(self) -> dict:
        return {
            "pairs": self.pairs,
            "mask_rate": self.mask_rate,
            "mask_unit": self.mask_unit,
        }

    def cut(self, corpus: Corpus, capacity: int, seed: int) -> Iterator[Cut]:
        return segments.CUTTERS[self.pairs](corpus, capacity, seed)

    def features(
        self, examples: Mapping[str, Any], tokenizer, sequence_length: int
    ) -> Features:
        names = (objective.FIRST, objective.SECOND)[: self.num_segments]
        packed = tokenizer.pack(
            [examples[name] for name in names], sequence_length
        )
        masked = mask_tokens(
            packed.token_ids,
            examples[feature_names.RANDOM_SEED],
            tokenizer,
            self.mask_rate,
            self.mask_unit,
        ).or_nothing()
        positions = masked.positions
        labels = {MASKED_LM: masked.originals}
        weights = {
            MASKED_LM: positions.with_flat_values(
                tf.cast(positions.flat_values >= 0, tf.float32)
            )
        }
        if self.num_segments == 2:
            labels[NEXT_SENTENCE] = examples[objective.LABEL]
            weights[NEXT_SENTENCE] = tf.ones_like(
                examples[objective.LABEL], tf.float32
            )
        return Features(
            {
                **packed.inputs,
                feature_names.TOKEN_IDS: masked.token_ids,
                MASK_POSITIONS: positions.with_flat_values(
                    tf.maximum(positions.flat_values, 0)
                ),
            },
            labels,
            weights,
            packed.num_truncated,
        )

    def build(self, encoder: keras.Model) -> keras.Model:
        positions = keras.Input((None,), dtype="int32", name=MASK_POSITIONS)
        wanted = [feature_names.SEQUENCE_OUTPUT]
        if self.num_segments == 2:
            if feature_names.POOLED_OUTPUT not in encoder.output:
                raise InputError(
                    "The order of two segments is predicted from an encoder's "
                    f"pooler. Received: pairs={self.pairs!r}, and an encoder "
                    "without one. Give pairs=none."
                )
            wanted.append(feature_names.POOLED_OUTPUT)
        encoded = encode_outputs(encoder, encoder.input, wanted)
        logits = {
            MASKED_LM: token_logits(
                encoder, encoded[feature_names.SEQUENCE_OUTPUT], positions
            )
        }
        if self.num_segments == 2:
            head = NextSentenceHead(
                encoder.get_config().get("initializer_range", 0.02),
                dtype=encoder.dtype_policy,
                name=NEXT_SENTENCE,
            )
            logits[NEXT_SENTENCE] = head(encoded[feature_names.POOLED_OUTPUT])
        return keras.Model({**encoder.input, MASK_POSITIONS: positions}, logits)

    def start_from(self, model: keras.Model, counts: np.ndarray) -> None:
        bias = masked_lm_variables(model)["output_bias"]
        if np.any(keras.ops.convert_to_numpy(bias)):
            return
        padded = np.zeros(bias.shape)
        padded[: len(counts)] = counts
        bias.assign(log_frequencies(padded, prior_count=0.1))

    def baselines(self, counts: np.ndarray, held_out) -> dict[str, float]:
        others = held_out.corpus.token_counts()
        size = max(len(counts), len(others))
        known = np.pad(counts, (0, size - len(counts))) + 0.1
        shares = np.pad(others, (0, size - len(others))) / others.sum()
        surprise = -np.sum(shares * np.log(known / known.sum()))
        # Keras names metrics of several outputs with that of the output.
        prefix = f"{MASKED_LM}_" if self.num_segments == 2 else ""
        found = {
            f"{prefix}accuracy": float(shares[np.argmax(known)]),
            f"{prefix}perplexity": math.exp(surprise),
        }
        if self.num_segments == 2:
            labels = np.array([cut.label for cut in held_out.cuts()])
            found["next_sentence_accuracy"] = float(
                max(labels.mean(), 1 - labels.mean())
            )
        return found

    def losses(self) -> dict:
        return self._of_outputs(
            WeightedMean(TokenLoss(reduction="mean_with_sample_weight")),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )

    def weighted_metrics(self) -> dict:
        return self._of_outputs(
            [TokenAccuracy(), Perplexity()],
            [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        )

    def _of_outputs(self, of_tokens: Any, of_pairs: Any) -> dict:
        found = {MASKED_LM: of_tokens}
        if self.num_segments == 2:
            found[NEXT_SENTENCE] = of_pairs
        return found

    def token_inputs(self) -> tuple[TensorInfo, ...]:
        meaning = "positions of the masked tokens, from 0; padded with 0"
        return (TensorInfo(MASK_POSITIONS, "int32", (None, None), meaning),)

    def extra_length(self, sequence_length: int) -> int:
        return math.ceil(self.mask_rate * sequence_length)

    def published_weights(self, model: keras.Model) -> list[HeadWeights]:
        found = [HeadWeights(MASKED_LM, [], masked_lm_weights(model), {})]
        if self.num_segments == 2:
            arrays = {
                name: keras.ops.convert_to_numpy(variable)
                for name, variable in _pair_variables(model).items()
            }
            found.append(HeadWeights(NEXT_SENTENCE, [], arrays, {}))
        return found

    def set_published_weights(
        self, model: keras.Model, weights: Mapping[str, HeadWeights]
    ) -> list[str]:
        variables = {MASKED_LM: masked_lm_variables(model)}
        if self.num_segments == 2:
            variables[NEXT_SENTENCE] = _pair_variables(model)
        found = [kind for kind in variables if kind in weights]
        for kind in found:
            for name, variable in variables[kind].items():
                variable.assign(weights[kind].weights[name])
        return found


def _pair_variables(model: keras.Model) -> dict[str, keras.Variable]:
    layer = model.get_layer(NEXT_SENTENCE)
    return {"kernel": layer.kernel, "bias": layer.bias}
