"""The tokens that fill the gaps of a text."""

import itertools
import math
import os
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.data import Examples
from keras_bert_zoo.data.readers.formats import format_of
from keras_bert_zoo.data.readers.text_lines import TextLines
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.metrics import Perplexity
from keras_bert_zoo.pretraining.metrics import TokenAccuracy
from keras_bert_zoo.pretraining.metrics import TokenLoss
from keras_bert_zoo.pretraining.token_logits import MASK_POSITIONS
from keras_bert_zoo.pretraining.token_logits import masked_lm_variables
from keras_bert_zoo.pretraining.token_logits import masked_lm_weights
from keras_bert_zoo.pretraining.token_logits import token_logits
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import Option
from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task import encode
from keras_bert_zoo.task import log_frequencies
from keras_bert_zoo.training.losses import WeightedMean
from task_heads.masked_lm import decoding
from task_heads.masked_lm.features import MASK
from task_heads.masked_lm.features import answering_features
from task_heads.masked_lm.features import training_features
from task_heads.masked_lm.pseudo_log_likelihood import pseudo_log_likelihood

_ENDINGS = {f".{name}": name for name in ("txt", "tsv", "csv", "jsonl")}
# In which the frequencies of tokens are counted.
_MOST_TEXTS = 10_000


class MaskedTokenHead(TaskHead):
    """Predicts masked tokens; learns from plain texts.

    In training a fraction of the tokens is masked, others in each epoch, and
    the model learns to predict them: texts of a domain make an encoder
    better at that domain. Answering, it gives the likeliest tokens for each
    `[MASK]` in a text.

    A text that is too long becomes several sequences: to train, they do not
    overlap; to answer, each gap is read where it has most context.

    Args:
        mask_rate: float in (0, 1). Fraction of tokens chosen in training; at
            least one of a sequence.
        top_k: int. Predictions for each `[MASK]`.

    Logits: `(R, P, V)` float32, at the `P` chosen tokens or gaps of each
    sequence alone.

    Raises:
        InputError: if an option breaks a rule.

    Source: Devlin et al., 2019 (arXiv:1810.04805), section 3.1, task 1.
    """

    name = "masked_lm"
    label_fields = ()
    splits_texts = True
    reuses_weights = True

    pseudo_log_likelihood = staticmethod(pseudo_log_likelihood)

    def __init__(self, mask_rate: float = 0.15, top_k: int = 5):
        rule = "above 0 and below 1"
        mask_rate = arguments.finite_number("mask_rate", mask_rate, rule)
        if not 0 < mask_rate < 1:
            raise InputError(
                f"`mask_rate` must be {rule}. Received: "
                f"mask_rate={mask_rate!r}. BERT was trained with 0.15."
            )
        self.mask_rate = mask_rate
        self.top_k = arguments.whole_number("top_k", top_k)

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option("mask_rate", float, 0.15, "fraction of tokens to mask"),
            Option("top_k", int, 5, "predictions for each [MASK]"),
        )

    @classmethod
    def read_file(
        cls,
        path: str | os.PathLike,
        columns: Mapping[str, str | int | None],
        format: str | None = None,
    ) -> Examples:
        """Returns the examples of a file: lines of text, or a column of texts.

        Args:
            path: the file.
            columns: `text` -> column's name or number, or `None`.
            format: `txt`, `tsv`, `csv`, `jsonl`, or `None` to go by the
                file's name.

        Raises:
            InputError: if the format is unknown or does not suit `columns`.
        """
        recognized = format_of(os.fspath(path), format, _ENDINGS, "texts")
        if recognized != "txt":
            return super().read_file(path, columns, recognized)
        if columns.get("text") is not None:
            raise InputError(
                "A txt file has a text on each line, and no columns. "
                f"Received: the column {columns['text']!r} of {path}. Leave "
                "it out, or name the format."
            )
        return TextLines(path)

    def get_config(self) -> dict:
        return {"mask_rate": self.mask_rate, "top_k": self.top_k}

    def example(self, values: Mapping[str, Any], with_label: bool) -> dict:
        example = super().example(values, with_label)
        if not with_label and MASK not in example["text"]:
            raise InputError(
                f"A text to fill must hold {MASK}. Received: "
                f"{example['text'][:60]!r}. Write {MASK} in place of each "
                "missing word."
            )
        return example

    def features(
        self, examples: Mapping[str, Any], tokenizer, sequence_length: int
    ) -> Features:
        seed = examples.get(feature_names.RANDOM_SEED)
        if seed is None:
            return answering_features(
                examples["text"], tokenizer, sequence_length
            )
        return training_features(
            examples["text"], seed, tokenizer, sequence_length, self.mask_rate
        )

    def build(self, encoder: keras.Model) -> keras.Model:
        positions = keras.Input((None,), dtype="int32", name=MASK_POSITIONS)
        sequence = encode(encoder, encoder.input, feature_names.SEQUENCE_OUTPUT)
        logits = token_logits(encoder, sequence, positions)
        return keras.Model({**encoder.input, MASK_POSITIONS: positions}, logits)

    def adapt(self, model: keras.Model, examples: Iterable, tokenizer) -> None:
        bias = masked_lm_variables(model)["output_bias"]
        if np.any(keras.ops.convert_to_numpy(bias)):
            return
        examples = itertools.islice(examples, _MOST_TEXTS)
        texts = [example.values["text"] for example in examples]
        counts = np.zeros(bias.shape)
        for start in range(0, len(texts), 1000):
            token_ids = tokenizer.tokenize(texts[start : start + 1000])
            counts += np.bincount(token_ids.flat_values, minlength=len(counts))
        bias.assign(log_frequencies(counts, prior_count=0.1))

    def losses(self) -> keras.losses.Loss:
        return WeightedMean(TokenLoss(reduction="mean_with_sample_weight"))

    def weighted_metrics(self) -> list:
        return [Perplexity(), TokenAccuracy()]

    def decode(self, logits) -> dict:
        probability, token_id = decoding.best_tokens(logits, self.top_k)
        return {"token_id": token_id, "probability": probability}

    def decode_texts(self, logits, context: Mapping[str, Any]) -> dict:
        return decoding.decode_masks(logits, context, self.top_k)

    def answers(self, decoded: Mapping[str, Any]) -> list[dict]:
        return decoding.mask_answers(decoded)

    def signature(self) -> Signature:
        text = TensorInfo("text", "string", (None,), f"the text, with {MASK}")
        return Signature((text,), decoding.outputs())

    def logits_signature(self) -> tuple[TensorInfo, ...]:
        meaning = "unscaled scores of the vocabulary's tokens"
        return (TensorInfo("logits", "float32", (None, None, None), meaning),)

    def token_inputs(self) -> tuple[TensorInfo, ...]:
        meaning = "positions in token_ids to answer, from 0; padded with 0"
        return (TensorInfo(MASK_POSITIONS, "int32", (None, None), meaning),)

    def extra_length(self, sequence_length: int) -> int:
        return math.ceil(self.mask_rate * sequence_length)

    def token_outputs(self) -> tuple[TensorInfo, ...]:
        shape = (None, None, None)
        return (
            TensorInfo(
                "token_id",
                "int32",
                shape,
                "the likeliest tokens of each position",
            ),
            TensorInfo("probability", "float32", shape, "their probabilities"),
        )

    @classmethod
    def from_weights(cls, weights: HeadWeights) -> "MaskedTokenHead":
        return cls()

    def set_weights(self, model: keras.Model, weights: HeadWeights) -> None:
        for name, variable in masked_lm_variables(model).items():
            variable.assign(weights.weights[name])

    def get_weights(self, model: keras.Model) -> HeadWeights:
        return HeadWeights(self.name, [], masked_lm_weights(model), {})
