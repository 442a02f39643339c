"""The contract of a pre-training objective: what an encoder learns from."""

import functools
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.data import Example
from keras_bert_zoo.data import Examples
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.corpus import Corpus
from keras_bert_zoo.pretraining.segments import Cut
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.tokenization import Tokenizer

FIRST, SECOND, LABEL = "first", "second", "label"
# So far apart are the seeds of an epoch and of what fills it up.
_REFILL = 2**20


class Objective(TaskHead):
    """A pre-training task: how examples are cut, and what is predicted of them.

    A head (`TaskHead`) whose examples are not texts, but the tokens of one or
    two segments of a document: `features` finds `first`, `second` (both int32
    ragged `(B, None)`) and `label` (int64 `(B,)`), and `random_seed`, with
    which it masks other tokens in each epoch.

    A package adds one by naming its class in the entry-point group
    `keras_bert_zoo.objectives`.
    """

    text_fields: tuple[str, ...] = ()
    label_fields: tuple[str, ...] = ()
    # New weights bear more.
    highest_rate: float = 1e-3
    # Of an example: one segment, or a pair.
    num_segments: int = 1
    # That a corpus must have, so that examples can be cut.
    min_documents: int = 1

    def cut(self, corpus: Corpus, capacity: int, seed: int) -> Iterator[Cut]:
        """Yields the examples of one epoch, as spans of the corpus.

        Args:
            corpus: the documents.
            capacity: int. Maximum number of tokens in an example, without
                special ones.
            seed: int. Another for each epoch.

        Raises:
            InputError: if such examples cannot be cut from the corpus.
        """
        raise NotImplementedError

    def start_from(self, model: keras.Model, counts: np.ndarray) -> None:
        """Initializes untrained heads from the frequencies of tokens.

        Args:
            model: what `build` returned, or a model of its layers.
            counts: how often each token occurs, by id.
        """

    def baselines(
        self, counts: np.ndarray, held_out: "CorpusExamples"
    ) -> dict[str, float]:
        """Returns what a model without an encoder gets, by metric.

        Such as the accuracy of always answering the most frequent token.

        Args:
            counts: how often each token occurs in what is learned from.
            held_out: examples of others, on which it is measured.
        """
        return {}

    def loss_weights(self) -> dict[str, float] | None:
        """Returns what each output's loss counts, or `None` if all alike."""
        return None

    def published_weights(self, model: keras.Model) -> list[HeadWeights]:
        """Returns the trained heads in the form in which they are published."""
        raise NotImplementedError

    def set_published_weights(
        self, model: keras.Model, weights: Mapping[str, HeadWeights]
    ) -> list[str]:
        """Copies heads of a checkpoint into a model that `build` returned.

        Args:
            model: the model.
            weights: those that there are, by kind, such as `masked_lm`.

        Returns:
            Names of the kinds that were copied.
        """
        return []

    def adapt(self, model: keras.Model, examples: Iterable, tokenizer) -> None:
        corpus = getattr(examples, "corpus", None)
        if corpus is not None:
            self.start_from(model, corpus.token_counts())

    def example(self, values: Mapping[str, Any], with_label: bool) -> dict:
        return dict(values)

    def signature(self):
        raise InputError(
            "A pre-training objective makes no predictions. Received: texts. "
            "Save the model, and load it with a head: "
            "`TaskModel.from_preset`."
        )

    def example_spec(self, with_label: bool) -> dict:
        return {
            FIRST: ("int32", (None,)),
            SECOND: ("int32", (None,)),
            LABEL: ("int64", ()),
        }


class CorpusExamples(Examples):
    """Examples cut from a corpus, anew for each epoch.

    All epochs have as many as the first. One that is cut to fewer is filled
    up with examples of another cut.

    Args:
        corpus: the documents.
        objective: `Objective`.
        tokenizer: `Tokenizer` that made the tokens.
        sequence_length: int. Maximum number of tokens in an example, special
            ones included.
        seed: int, at least 0.

    Raises:
        InputError: if there is no room for a token of each segment, or no
            example can be cut.
    """

    def __init__(
        self,
        corpus: Corpus,
        objective: Objective,
        tokenizer: Tokenizer,
        sequence_length: int,
        seed: int = 0,
    ):
        num_special = tokenizer.num_special_tokens(objective.num_segments)
        self.capacity = sequence_length - num_special
        if self.capacity < objective.num_segments:
            raise InputError(
                "An example must have room for a token of each segment. "
                f"Received: sequence_length={sequence_length}, for "
                f"{objective.num_segments} segments and {num_special} special "
                "tokens. Raise it."
            )
        self.corpus = corpus
        self.objective = objective
        self.sequence_length = sequence_length
        self._seed = seed
        if next(self._cut(0), None) is None:
            raise InputError(
                "At least one example must be cut from a corpus. Received: "
                f"{corpus.num_tokens} tokens in {corpus.num_documents} "
                "documents, of which none makes one. Give longer documents."
            )

    def __len__(self) -> int:
        return self._num_examples

    @functools.cached_property
    def _num_examples(self) -> int:
        return sum(1 for _ in self._cut(0))

    def __iter__(self) -> Iterator[Example]:
        return iter(self.of_pass(0))

    def of_pass(self, number: int) -> Iterable[Example]:
        left = self._num_examples
        while left:
            for cut in self._cut(number):
                yield self._example(cut)
                left -= 1
                if not left:
                    return
            number += _REFILL

    def of_cut(self, number: int) -> Iterator[Example]:
        """Yields the examples of one cut, more or fewer than an epoch has.

        Args:
            number: int. The cut, from 0.
        """
        return map(self._example, self._cut(number))

    def digest(self) -> str:
        return f"{self.corpus.digest()}-{self.capacity}-{self._seed}"

    def cuts(self) -> Iterator[Cut]:
        """Yields the cuts of epoch 0."""
        return self._cut(0)

    def _cut(self, number: int) -> Iterator[Cut]:
        (seed,) = np.random.SeedSequence([self._seed, number]).generate_state(1)
        return self.objective.cut(self.corpus, self.capacity, int(seed))

    def _example(self, cut: Cut) -> Example:
        ids = self.corpus.token_ids
        return Example(
            {
                FIRST: ids[slice(*cut.first)],
                SECOND: ids[slice(*cut.second)],
                LABEL: cut.label,
            },
            f"the document at {self.corpus.origins[cut.document]}",
        )
