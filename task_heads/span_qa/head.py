"""Answers to questions, found in a text."""

import os
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import Option
from keras_bert_zoo.task import Signature
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task import encode
from keras_bert_zoo.training.losses import WeightedMean
from task_heads.span_qa.decoding import decode_answers
from task_heads.span_qa.decoding import outputs
from task_heads.span_qa.decoding import readable_answers
from task_heads.span_qa.examples import TEXT_FIELDS
from task_heads.span_qa.examples import answers_in
from task_heads.span_qa.examples import answers_of
from task_heads.span_qa.examples import misalignment
from task_heads.span_qa.examples import question_example
from task_heads.span_qa.features import question_features
from task_heads.span_qa.files import QuestionFile
from task_heads.span_qa.lengths import length_warnings
from task_heads.span_qa.losses import PlaceCrossentropy
from task_heads.span_qa.losses import place_accuracy
from task_heads.span_qa.scores import answer_tables
from task_heads.span_qa.scores import best_threshold
from task_heads.span_qa.scores import score_examples
from task_heads.span_qa.squad_scores import exact_match

_OUTPUTS = ("start_logits", "end_logits")


class SpanQAHead(TaskHead):
    """Answers questions with a span of a text.

    A context that is too long becomes several sequences that overlap, each
    with the question; the best answer of all is given.

    Examples hold `question`, `context` and, to learn from, `answers`: a list of
    `{"text": ..., "start": ...}`, the start in characters, empty where the
    context has no answer. The first answer that stands at its start is
    learned; a question none of whose answers does weighs nothing.

    Args:
        no_answer: bool. Whether a context may have no answer.
        null_threshold: float. There is no answer if its score, in logits,
            exceeds that of the best candidate by more. `TaskModel.tune`
            chooses it on labelled examples.
        doc_stride: int. Maximum number of tokens between the starts of two
            windows of a context (not their overlap).
        max_question_length: int. Maximum number of tokens of a question; more
            are cut. A question never has more than half of a sequence.
        max_answer_length: int. Maximum number of tokens of an answer. Three
            characters of Chinese or Japanese count as one token, whatever their
            tokens.
        n_best: int. Candidates returned.
        repair_answers: bool. Whether an answer that does not stand at its
            start is moved to its nearest occurrence in the context.

    Logits: dict of `start_logits` and `end_logits`, `(R, S)` float32.

    Raises:
        InputError: if an option breaks a rule.

    Source: Devlin et al., 2019 (arXiv:1810.04805), sections 4.2 and 4.3.
    """

    name = "span_qa"
    text_fields = TEXT_FIELDS
    label_fields = ("answers",)
    other_fields = ("answer_start",)
    splits_texts = True
    reuses_weights = True
    # With the threshold that `tune` will choose, where there is a choice.
    epoch_scores = ("best_f1", "f1")

    def __init__(
        self,
        no_answer: bool = True,
        null_threshold: float = 0.0,
        doc_stride: int = 128,
        max_question_length: int = 64,
        max_answer_length: int = 30,
        n_best: int = 5,
        repair_answers: bool = False,
    ):
        self.no_answer = arguments.flag("no_answer", no_answer)
        self.null_threshold = arguments.finite_number(
            "null_threshold", null_threshold
        )
        self.doc_stride = _size("doc_stride", doc_stride)
        self.max_question_length = _size(
            "max_question_length", max_question_length
        )
        self.max_answer_length = _size("max_answer_length", max_answer_length)
        self.n_best = _size("n_best", n_best)
        self.repair_answers = arguments.flag("repair_answers", repair_answers)

    @property
    def _threshold(self) -> float | None:
        return self.null_threshold if self.no_answer else None

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        sizes = (
            Option(name, int, default, meaning)
            for name, (default, _, meaning) in _SIZES.items()
        )
        return (
            *sizes,
            Option(
                "repair_answers",
                bool,
                False,
                "move answers that are not at their start to the nearest "
                "occurrence",
            ),
        )

    @classmethod
    def read_file(
        cls,
        path: str | os.PathLike,
        columns: Mapping[str, str | int | None],
        format: str | None = None,
    ) -> QuestionFile:
        named = [field for field, name in columns.items() if name is not None]
        if named:
            raise InputError(
                "Files of questions have fixed keys: question, context, "
                f"answers. Received: a column for {', '.join(named)}. Leave "
                "it out."
            )
        return QuestionFile(path, format)

    @classmethod
    def from_examples(cls, examples: Iterable, **options) -> "SpanQAHead":
        """Makes a head that knows whether questions may have no answer.

        Args:
            examples: labelled examples, re-iterable.
            **options: constructor arguments.
        """
        if "no_answer" not in options:
            options["no_answer"] = not all(map(answers_in, examples))
        return cls(**options)

    def get_config(self) -> dict:
        return {
            "no_answer": self.no_answer,
            "null_threshold": self.null_threshold,
            **{option: getattr(self, option) for option in _SIZES},
            "repair_answers": self.repair_answers,
        }

    def example(self, values: Mapping[str, Any], with_label: bool) -> dict:
        return question_example(values, with_label, self.repair_answers)

    def remark(self, values: Mapping[str, Any]) -> str | None:
        return misalignment(values, self.repair_answers)

    def example_warnings(self, examples: Iterable, tokenizer) -> list[str]:
        return length_warnings(
            examples,
            tokenizer,
            self.max_question_length,
            self.max_answer_length,
        )

    @property
    def truncated(self) -> str:
        return (
            f"examples: questions longer than {self.max_question_length} "
            "tokens or half of {length}, or with an answer longer than a "
            "window of the text"
        )

    def example_spec(self, with_label: bool) -> dict:
        spec = {field: ("string", ()) for field in TEXT_FIELDS}
        if with_label:
            spec |= {"answer_start": ("int32", ()), "answer_end": ("int32", ())}
        return spec

    def features(
        self, examples: Mapping[str, Any], tokenizer, sequence_length: int
    ) -> Features:
        return question_features(
            examples,
            tokenizer,
            sequence_length,
            max_question_length=self.max_question_length,
            doc_stride=self.doc_stride,
            max_answer_length=self.max_answer_length,
        )

    def build(self, encoder: keras.Model) -> keras.Model:
        inputs = encoder.input
        sequence = encode(encoder, inputs, feature_names.SEQUENCE_OUTPUT)
        logits = keras.layers.Dense(
            len(_OUTPUTS),
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype="float32",
            name="logits",
        )(sequence)
        return keras.Model(
            inputs,
            {name: logits[..., index] for index, name in enumerate(_OUTPUTS)},
        )

    def losses(self) -> dict:
        return {name: WeightedMean(PlaceCrossentropy()) for name in _OUTPUTS}

    def weighted_metrics(self) -> dict:
        return {
            output: keras.metrics.MeanMetricWrapper(
                place_accuracy, name="accuracy"
            )
            for output in _OUTPUTS
        }

    def decode(self, logits) -> dict:
        # Only the texts say where the question ends.
        return {}

    def decode_texts(self, logits, context: Mapping[str, Any]) -> dict:
        return decode_answers(
            logits,
            context,
            n_best=self.n_best,
            no_answer=self.no_answer,
            null_threshold=self.null_threshold,
        )

    def answers(self, decoded: Mapping[str, Any]) -> list[dict]:
        return readable_answers(decoded)

    def score(self, examples: Iterable, answers: Iterable[dict]) -> dict:
        return score_examples(examples, answers, self._threshold)

    def is_right(self, values: Mapping[str, Any], answer: dict) -> bool:
        """Returns whether an answer is right, compared as SQuAD does."""
        answers = answers_of(values) or [{"text": ""}]
        texts = [true_answer["text"] for true_answer in answers]
        return any(exact_match(answer["answer"], text) for text in texts)

    def report_tables(
        self, examples: Iterable, answers: Iterable[dict]
    ) -> list:
        return answer_tables(examples, answers, self._threshold)

    def tune(self, examples: Iterable, answers: Iterable[dict]) -> dict:
        if not self.no_answer:
            return {}
        scores = self.score(examples, answers)
        if "best_f1_thresh" in scores:
            self.null_threshold = best_threshold(scores)
        return {"null_threshold": self.null_threshold}

    def signature(self) -> Signature:
        return Signature(
            (
                TensorInfo("question", "string", (None,), "the question"),
                TensorInfo("context", "string", (None,), "the text to search"),
            ),
            outputs(self.n_best),
        )

    def logits_signature(self) -> tuple[TensorInfo, ...]:
        return tuple(
            TensorInfo(
                name,
                "float32",
                (None, None),
                f"unscaled score of each token as the answer's {end}; of the "
                "first token, that there is none",
            )
            for name, end in zip(_OUTPUTS, ("first", "last"), strict=True)
        )

    def token_outputs(self) -> tuple[TensorInfo, ...]:
        return ()

    @classmethod
    def from_weights(cls, weights: HeadWeights) -> "SpanQAHead":
        return cls()

    def set_weights(self, model: keras.Model, weights: HeadWeights) -> None:
        model.get_layer("logits").set_weights(
            [weights.weights["kernel"], weights.weights["bias"]]
        )

    def get_weights(self, model: keras.Model) -> HeadWeights:
        kernel, bias = model.get_layer("logits").get_weights()
        return HeadWeights(
            self.name,
            [],
            {"kernel": np.asarray(kernel), "bias": np.asarray(bias)},
            {},
        )


# Default, highest and meaning of options. The last two cost memory.
_SIZES = {
    "doc_stride": (
        128,
        arguments.HIGHEST,
        "maximum number of tokens between the starts of two windows of a text",
    ),
    "max_question_length": (
        64,
        arguments.HIGHEST,
        "maximum number of tokens of a question",
    ),
    "max_answer_length": (
        30,
        10_000,
        "maximum number of tokens of an answer; three Chinese or Japanese "
        "characters count as one",
    ),
    "n_best": (5, 1_000, "candidates in an answer"),
}


def _size(option: str, value: int) -> int:
    return arguments.whole_number(option, value, highest=_SIZES[option][1])
