"""The model that is pre-trained: encoder, objective and tokenizer in one."""

import os
import pathlib
from typing import Any

import keras
from absl import logging

from keras_bert_zoo import presets
from keras_bert_zoo.arguments import checked_call
from keras_bert_zoo.atomic_io import atomic_directory
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.corpus import Corpus
from keras_bert_zoo.pretraining.objective import CorpusExamples
from keras_bert_zoo.pretraining.objective import Objective
from keras_bert_zoo.pretraining.stacking import stacked
from keras_bert_zoo.pretraining.vocabulary_transfer import head_with_vocabulary
from keras_bert_zoo.pretraining.vocabulary_transfer import spelled_by
from keras_bert_zoo.pretraining.vocabulary_transfer import with_vocabulary
from keras_bert_zoo.registry import objectives
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.tokenization import Tokenizer


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class PretrainingModel(TaskModel):
    """An encoder that learns from documents alone.

    A functional Keras model from the encoder's inputs, and the positions of
    masked tokens, to the objective's logits. `fit` and `evaluate` take a
    `Corpus`, and all else that `TaskModel`'s take: backups, strategies,
    `packed_length`.

    Args:
        encoder: `BertEncoder`, or another with a `token_embedding`.
        objective: `Objective`, or the name of a registered one.
        tokenizer: `Tokenizer`.
        sequence_length: int or `None`. Maximum number of tokens in an example;
            the encoder's positions when `None`.

    Example:
        tokenizer = zoo.BertTokenizer.load("vocabulary")
        encoder = zoo.BertEncoder(tokenizer.vocabulary_size, 4, 4, 256, 1024)
        model = zoo.PretrainingModel(encoder, zoo.MaskedLM(), tokenizer, 128)
        corpus = zoo.read_corpus(["corpus.txt"], tokenizer)
        model.fit(corpus, epochs=10)
        model.save_to_preset("my_bert")
    """

    def __init__(self, encoder, objective, tokenizer, *args, **kwargs):
        if not isinstance(objective, Objective):
            objective = objective_of(objective)
        super().__init__(encoder, objective, tokenizer, *args, **kwargs)

    @property
    def objective(self) -> Objective:
        """What it learns by."""
        return self.head

    @classmethod
    def from_preset(
        cls,
        preset: "str | os.PathLike | presets.Preset",
        objective: str | Objective = "masked_lm",
        *,
        tokenizer: Tokenizer | None = None,
        sequence_length: int | None = None,
        num_layers: int | None = None,
        encoder_dropout: float | None = None,
        dtype=None,
        tokenizer_engine: str = "auto",
        **objective_options,
    ) -> "PretrainingModel":
        """Continues a trained model: its encoder, and the heads it has.

        Args:
            preset: see `TaskModel.from_preset`.
            objective: name of a registered objective, or an `Objective`.
            tokenizer: `Tokenizer` of another vocabulary, or `None` for the
                preset's own. A new token's embedding begins as the mean of
                those of the preset's tokens that spell it: see `spelled_by`.
            sequence_length, encoder_dropout, dtype: see there.
            tokenizer_engine: see there; of the preset's own tokenizer.
            num_layers: int or `None`. Transformer blocks, if more than the
                model has: they begin as copies of its own, see `stacked`.
            **objective_options: arguments of the named objective.

        Raises:
            InputError: if preset or objective is unknown, the encoder cannot
                be stacked to so many blocks, or `tokenizer` is no `Tokenizer`
                or does not tell which tokens continue a word.
        """
        objective = objective_of(objective, **objective_options)
        if not isinstance(preset, presets.Preset):
            preset = presets.Preset(preset)
        encoder = preset.encoder(
            dtype=dtype, **preset.dropout_of_all(encoder_dropout)
        )
        heads = {
            head.kind: preset.head(head.kind) for head in preset.contents.heads
        }
        before = preset.tokenizer(tokenizer_engine)
        if tokenizer is None:
            tokenizer = before
        elif not isinstance(tokenizer, Tokenizer):
            raise InputError(
                "`tokenizer` must be a `Tokenizer`. Received: "
                f"{tokenizer!r:.60}. Load a directory's with `load_tokenizer`."
            )
        elif tuple(tokenizer.tokens) != tuple(before.tokens):
            spelled = spelled_by(before, tokenizer)
            encoder = with_vocabulary(encoder, spelled)
            heads = {
                kind: head_with_vocabulary(head, spelled)
                for kind, head in heads.items()
            }
        if num_layers is not None:
            encoder = stacked(encoder, num_layers)
        model = cls(
            encoder, objective, tokenizer, sequence_length=sequence_length
        )
        model.provenance = preset.provenance
        found = objective.set_published_weights(model, heads)
        logging.info(
            "%s brings the heads: %s.", preset.name, ", ".join(found) or "none"
        )
        return model

    def save_to_preset(
        self,
        directory: str | os.PathLike,
        overwrite: bool = False,
        card: presets.CardFacts | None = None,
    ) -> None:
        """Writes encoder, heads and vocabulary, all or nothing.

        `transformers` opens the directory as `BertForPreTraining`, as
        `BertForMaskedLM` (no pairs) or as `BertModel` (`ReplacedTokens`);
        `TaskModel.from_preset` puts a new head on its encoder.

        Args:
            directory: where to write.
            overwrite: bool. Whether an existing directory may be replaced.
            card: what the model card (`README.md`) says of data and metrics.

        Raises:
            InputError: if the directory exists and `overwrite` is false, or a
                weight is not finite.
        """
        with atomic_directory(directory, overwrite) as temporary:
            presets.write_preset(
                self.encoder,
                self.tokenizer,
                temporary,
                name=pathlib.Path(directory).name,
                task={"sequence_length": self.sequence_length},
                heads=self.objective.published_weights(self),
                provenance=self.provenance,
                card=card,
            )

    def compile(self, *args, **kwargs) -> None:
        """Configures training: see `TaskModel.compile`."""
        kwargs.setdefault("loss_weights", self.objective.loss_weights())
        super().compile(*args, **kwargs)

    def fit(self, x=None, y=None, batch_size: int = 32, epochs=1, **kwargs):
        """Trains on a `Corpus`, or on anything that `TaskModel.fit` takes.

        Args:
            x: `Corpus`, `CorpusExamples`, or ready features.
            y: labels of ready features.
            batch_size, epochs: int.
            **kwargs: what `TaskModel.fit` takes; `validation_data` may be a
                `Corpus`, too.

        Raises:
            InputError: if no example can be cut from the corpus.
        """
        seed = kwargs.get("seed", 0)
        if "validation_data" in kwargs:
            kwargs["validation_data"] = self._examples(
                kwargs["validation_data"], 0
            )
        return super().fit(
            self._examples(x, seed), y, batch_size, epochs, **kwargs
        )

    def evaluate(self, x=None, y=None, batch_size: int = 32, **kwargs):
        """Returns loss and metrics on whatever `fit` takes."""
        return super().evaluate(self._examples(x, 0), y, batch_size, **kwargs)

    def iterate_answers(self, texts, batch_size: int = 32, **kwargs):
        """Raises: a pre-training objective makes no predictions."""
        self.objective.signature()

    def _examples(self, given: Any, seed: int) -> Any:
        if isinstance(given, list) and given and isinstance(given[0], str):
            raise InputError(
                "Pre-training learns from a `Corpus`. Received: a list of "
                "texts. Read files with `read_corpus`, or tokenize "
                "`Document`s with `tokenize_documents`."
            )
        if not isinstance(given, Corpus):
            return given
        return CorpusExamples(
            given, self.objective, self.tokenizer, self.sequence_length, seed
        )


def objective_of(objective: str | Objective, **options) -> Objective:
    """Returns the objective that is meant by a name.

    Args:
        objective: name of a registered objective, or an `Objective`.
        **options: arguments of the named one.

    Raises:
        InputError: if the name is unknown, or an option wrong.
    """
    if isinstance(objective, str):
        kind = objectives.get(objective)
        return checked_call(kind, f"The objective {objective!r}", options)
    if not isinstance(objective, Objective) or options:
        raise InputError(
            "`objective` must be the name of a registered objective, or an "
            f"`Objective` that has its options. Received: {objective!r:.60}. "
            f"Registered: {', '.join(objectives.names())}."
        )
    return objective
