"""The model a user holds: encoder, head and tokenizer in one."""

import functools
import inspect
import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from keras_bert_zoo import arguments
from keras_bert_zoo import data
from keras_bert_zoo import feature_names
from keras_bert_zoo import presets
from keras_bert_zoo.arguments import takes
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.layers import EncoderRun
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import fit_inputs
from keras_bert_zoo.task import measuring
from keras_bert_zoo.task import parts
from keras_bert_zoo.task import saving
from keras_bert_zoo.task.inference import TextAnswers
from keras_bert_zoo.task.inference import report_truncation
from keras_bert_zoo.task.logit_losses import of_logits
from keras_bert_zoo.task.packed_sequences import PackedForm
from keras_bert_zoo.task.report_tables import report_tables
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.training.model import ReplicatedModel
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe
from keras_bert_zoo.training.optimizers.recipe import recipe_of
from keras_bert_zoo.training.resume.backup import Backup


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class TaskModel(ReplicatedModel):
    """An encoder with a task head that reads raw text.

    A functional Keras model from the encoder's inputs to the head's logits.
    `fit` and `evaluate` also take texts or examples of files, which they
    tokenize and pad in the input pipeline; `predict_text` returns decoded
    answers.

    Args:
        encoder: `BertEncoder`, or another functional model with the inputs
            `token_ids`, `padding_mask` and others that the tokenizer makes,
            such as one of keras-hub's.
        head: `TaskHead`.
        tokenizer: `Tokenizer`, such as `BertTokenizer`.
        sequence_length: int or `None`. Maximum number of tokens in a sequence;
            the encoder's positions when `None`. Longer texts are truncated.
        freeze_encoder: bool. Whether only the head is trained. Other models
            that share the encoder, and one around this one, may train it.
        freeze_embeddings: bool. Whether the layers below the first block are
            not trained.
        name: str.

    Raises:
        InputError: if `sequence_length` exceeds the encoder's positions, or the
            encoder has inputs that the tokenizer does not give, or embeds fewer
            tokens than it has.
    """

    def __init__(
        self,
        encoder: keras.Model,
        head: TaskHead,
        tokenizer: Tokenizer,
        sequence_length: int | None = None,
        freeze_encoder: bool = False,
        freeze_embeddings: bool = False,
        name: str | None = None,
        **kwargs,
    ):
        tokenizer = tokenizer.for_encoder(encoder.input)
        sequence_length = parts.checked_length(
            encoder, tokenizer, sequence_length
        )
        freeze_encoder = arguments.flag("freeze_encoder", freeze_encoder)
        freeze_embeddings = arguments.flag(
            "freeze_embeddings", freeze_embeddings
        )
        model = parts.built(head, encoder, freeze_encoder)
        super().__init__(
            inputs=model.input,
            outputs=model.output,
            name=name or head.name,
            **kwargs,
        )
        self.dtype_policy = encoder.dtype_policy
        self.encoder = encoder
        self.head = head
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self._packed_form = None
        self._freeze_encoder = freeze_encoder
        self._freeze_embeddings = freeze_embeddings
        self._choose_trained()
        self.provenance = presets.Provenance()
        self.input_counts = data.InputCounts()
        self.batch_examples = None
        self._recipe = None
        # Made when they are first needed.
        self._text_answers = None

    @property
    def freeze_encoder(self) -> bool:
        """Whether the head alone is trained.

        Set it, and `compile` anew, to train in two stages: the head first,
        then all.
        """
        return self._freeze_encoder

    @freeze_encoder.setter
    def freeze_encoder(self, value: bool) -> None:
        self._freeze_encoder = arguments.flag("freeze_encoder", value)
        self._choose_trained()

    @property
    def freeze_embeddings(self) -> bool:
        """Whether the layers below the first block are not trained."""
        return self._freeze_embeddings

    @freeze_embeddings.setter
    def freeze_embeddings(self, value: bool) -> None:
        self._freeze_embeddings = arguments.flag("freeze_embeddings", value)
        self._choose_trained()

    def _choose_trained(self) -> None:
        if not self.freeze_encoder and not self.encoder.trainable:
            self.encoder.trainable = True
        for layer in self.layers:
            if isinstance(layer, EncoderRun):
                layer.is_frozen = self.freeze_encoder
        self.leave_untrained(
            parts.untrained_variables(
                [one for layer in self.layers for one in layer.weights],
                self.encoder,
                self.freeze_encoder,
                self.freeze_embeddings,
            )
        )
        # It has a run of its own.
        self._packed_form = None

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike,
        head: str | TaskHead | None = None,
        *,
        sequence_length: int | None = None,
        freeze_encoder: bool | None = None,
        freeze_embeddings: bool | None = None,
        load_weights: bool = True,
        load_head: bool | None = None,
        encoder_dropout: float | None = None,
        dtype=None,
        tokenizer_engine: str = "auto",
        special_in_texts: bool | None = None,
        **head_options,
    ) -> "TaskModel":
        """Loads a trained model, or puts a new head on a pretrained encoder.

        Args:
            preset: a preset's name, `hf:ORGANIZATION/NAME`, or the directory
                of a model: ours, Hugging Face's, google-research's,
                keras-hub's or the TensorFlow model garden's.
            head: name of a registered head, or a `TaskHead`, to put a new head
                on the encoder; `None` for the head that is there, with its
                labels. A name without options loads a published head, too, if
                the preset has its weights and no `task.json`.
            sequence_length, freeze_encoder, freeze_embeddings: see the class;
                `None` for what the saved head was trained with.
            load_weights: bool. Whether the encoder starts from the preset's
                weights rather than random ones.
            load_head: bool. Whether a head that is named starts from the
                weights that are there: a tagger of google-research/bert is
                stored as a classifier without names of labels, and needs a
                `TaggingHead` with them. `None`: only if its weights do not
                depend on its options, as in a masked LM.
            encoder_dropout: float in [0, 1). Dropout of the encoder's vectors
                and attention weights; `None` for the preset's.
            dtype: policy of encoder and head, such as `"mixed_bfloat16"`.
            tokenizer_engine: `auto`, `fast` or `graph`.
            special_in_texts: bool. Whether special tokens that are written in a
                text, such as a separator, are parsed, as in Hugging Face's
                tokenizers; `None` for what the preset says.
            **head_options: arguments of the named head, such as `labels`.

        Raises:
            InputError: if preset or head is unknown, or no head is given
                and none is there.
        """
        return saving.load_task(
            cls,
            preset,
            head,
            sequence_length=sequence_length,
            freeze_encoder=freeze_encoder,
            freeze_embeddings=freeze_embeddings,
            load_weights=load_weights,
            load_head=load_head,
            encoder_dropout=encoder_dropout,
            dtype=dtype,
            tokenizer_engine=tokenizer_engine,
            special_in_texts=special_in_texts,
            **head_options,
        )

    def save_to_preset(
        self,
        directory: str | os.PathLike,
        overwrite: bool = False,
        card: presets.CardFacts | None = None,
    ) -> None:
        """Writes weights, head, labels and vocabulary, all or nothing.

        The directory is one of Hugging Face's: `transformers` opens it with
        the same outputs where it has a class for the head (not for a CRF,
        several tasks, or another pooling than `cls`).

        Args:
            directory: where to write.
            overwrite: bool. Whether an existing directory may be replaced.
            card: what the model card (`README.md`) says of data and metrics.

        Raises:
            InputError: if the directory exists and `overwrite` is false.
        """
        saving.save_task(self, directory, overwrite, card)

    @takes(OptimizerRecipe())
    def compile(
        self,
        optimizer="auto",
        loss="auto",
        *,
        metrics="auto",
        weighted_metrics="auto",
        jit_compile: bool = False,
        **kwargs,
    ) -> None:
        """Configures training; every argument has a sound default.

        Args:
            optimizer: a Keras optimizer, an `OptimizerRecipe`, or a name,
                `"lamb"` or `"adamw"` (the same as `"auto"`): no weight decay of
                biases and layer norms, linear warm-up, then linear decay to
                zero at the end of each `fit`.
            loss, metrics, weighted_metrics: Keras' own, or `"auto"` for the
                head's. A cross-entropy by name is one of logits, which the
                head gives.
            jit_compile: bool. Whether XLA compiles the step, once for each
                shape: see `fixed_shapes` of `fit`.
            **kwargs: what `keras.Model.compile` takes.

        Args, of an optimizer that is named:
            {OptimizerRecipe}

        Raises:
            InputError: if an option is unknown or out of range, or is given
                beside an optimizer.
        """
        if self.compiled and self.freeze_encoder:
            logging.warning(
                "The encoder stays frozen. Set `model.freeze_encoder = False` "
                "before `compile` to train it, too."
            )
        _check_names(kwargs)
        options = OptimizerRecipe.among(kwargs)
        kwargs = {k: v for k, v in kwargs.items() if k not in options}
        recipe = recipe_of(optimizer, **options)
        if recipe is not None:
            optimizer = recipe.make(
                self.encoder, highest_rate=self.head.highest_rate
            )
        given = {
            "loss": (loss, self.head.losses),
            "metrics": (metrics, self.head.metrics),
            "weighted_metrics": (weighted_metrics, self.head.weighted_metrics),
        }
        # In a partial, because Keras counts metrics that it finds in a dict.
        compile_rest = functools.partial(
            super().compile,
            **{
                name: of_head() if _is_auto(value) else of_logits(value)
                for name, (value, of_head) in given.items()
            },
            jit_compile=jit_compile,
            **kwargs,
        )
        # Kept once it has done: what is refused changes nothing.
        self._compile_with(optimizer, compile_rest)
        self._recipe, self._compile_rest = recipe, compile_rest

    def fit(
        self,
        x=None,
        y=None,
        batch_size: int = 32,
        epochs: int = 1,
        *,
        validation_data=None,
        shuffle: bool = True,
        seed: int = 0,
        tokens_per_batch: int | None = None,
        backup: Backup | None = None,
        fixed_shapes: bool | None = None,
        packed_length: int | None = None,
        columns: Mapping[str, str] | None = None,
        **kwargs,
    ) -> keras.callbacks.History:
        """Trains on texts, on examples of files, or on ready features.

        Args:
            x: texts (or pairs of texts) in a list, array, tensor or column;
                a table of pandas, polars or Hugging Face's `datasets`; a
                `tf.data.Dataset`, `PyDataset` or generator of texts and
                labels, which is read once, to its end; examples such as
                `FileExamples`; or anything that `keras.Model.fit` takes.
            y: labels of the texts, by name or number.
            batch_size, epochs: int.
            validation_data: examples, a pair `(x, y)`, or a ready data set.
            shuffle: bool. Whether examples are shuffled each epoch.
            seed: int. Of shuffling and masking: same seed, same batches.
            tokens_per_batch: int or `None`. Maximum number of tokens in a
                batch, padding included; `batch_size` is then ignored.
            backup: `Backup` or `None`. Lets a killed run resume.
            fixed_shapes: bool or `None`. Whether batches are padded to one of a
                few lengths (32, 64 and so on) and the last, partial one is
                dropped, so that few shapes are compiled. `None`: if XLA or a
                TPU compiles the step.
            packed_length: int or `None`. Packs texts of any length into
                sequences of about this many tokens, each read as if it were
                alone.
            columns: for a table: dict from the head's fields, such as `text`,
                to names of columns; `None` if they are the same.
            **kwargs: what `keras.Model.fit` takes, such as `sample_weight`,
                `validation_split` and `class_weight`, by name or number.

        Raises:
            InputError: if the data set is empty or an example is wrong.
        """
        self._ensure_compiled()
        self.input_counts = data.InputCounts()
        with fit_inputs.prepared(
            self,
            x,
            y,
            batch_size,
            epochs=epochs,
            validation_data=validation_data,
            backup=backup,
            fixed_shapes=fixed_shapes,
            order={
                "shuffle": shuffle,
                "seed": seed,
                "tokens_per_batch": tokens_per_batch,
                "packed_length": packed_length,
            },
            columns=columns,
            **kwargs,
        ) as arguments:
            history = super().fit(**arguments)
        report_truncation(self.input_counts, self.head, self.sequence_length)
        return history

    def _ensure_compiled(self) -> None:
        """Compiles the model with its defaults, unless it is compiled.

        Under the strategy that it was made under, which a user who compiles
        nothing has no other reason to enter again.
        """
        if not self.compiled:
            with self.distribute_strategy.scope():
                self.compile()

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size: int = 32,
        *,
        sample_weight=None,
        columns: Mapping[str, str] | None = None,
        **kwargs,
    ):
        """Returns loss and metrics on whatever `fit` takes."""
        self._ensure_compiled()
        arguments = fit_inputs.evaluation_data(
            self, x, y, batch_size, sample_weight, columns
        )
        arguments |= {k: v for k, v in kwargs.items() if v is not None}
        return super().evaluate(**arguments)

    def predict(self, x, *args, **kwargs):
        """Returns the logits of ready features: see `keras.Model.predict`.

        Raises:
            InputError: if texts are given.
        """
        try:
            is_text = data.as_examples(x, None, self.head) is not None
        except InputError:
            is_text = False
        if is_text:
            raise InputError(
                "`predict` returns the logits of ready features. Received: "
                "texts. Call `predict_text`, which answers texts."
            )
        return super().predict(x, *args, **kwargs)

    def predict_text(
        self,
        texts: Any,
        *more: str,
        batch_size: int = 32,
        columns: Mapping[str, str] | None = None,
    ) -> list | dict:
        """Answers for raw texts, in their order.

        Args:
            texts: one text, or texts in whatever `fit` takes them in.
            *more: where `texts` is one text, the head's other texts.
            batch_size: int. Examples in a batch.
            columns: of a table: see `fit`.

        Returns:
            One dict per example, as the head's `answers` makes them; for one
            given as strings, one dict.
        """
        if isinstance(texts, str):
            example = (texts, *more) if more else texts
            (answer,) = self.iterate_answers([example], batch_size)
            return answer
        return list(self.iterate_answers(texts, batch_size, columns))

    def iterate_answers(
        self,
        texts: Iterable,
        batch_size: int = 32,
        columns: Mapping[str, str] | None = None,
        on_batch: Callable[[int], None] | None = None,
    ) -> Iterator[dict]:
        """Yields the answers of `predict_text`, a few held at a time.

        Args:
            texts, batch_size, columns: as in `predict_text`.
            on_batch: called after each batch with the number of examples that
                are answered, and before the first one.
        """
        if self._text_answers is None:
            self._text_answers = TextAnswers(self)
        return self._text_answers(texts, batch_size, columns, on_batch)

    def measure(
        self,
        examples: Iterable,
        batch_size: int = 32,
        on_batch: Callable[[int], None] | None = None,
    ) -> dict:
        """Returns loss, metrics and the head's `score`, in one pass.

        What `evaluate` and `score` return, in one pass where possible.

        Args:
            examples: labelled examples, re-iterable, or a list of mappings.
            batch_size: int.
            on_batch: as in `iterate_answers`.

        Raises:
            InputError: if an example is wrong, or has no label.
        """
        self._ensure_compiled()
        return measuring.measure(self, examples, batch_size, on_batch)

    def encode(
        self, texts: Any, columns: Mapping[str, str] | None = None
    ) -> dict[str, tf.Tensor]:
        """Returns texts as features, ready for the model or its encoder.

        What training loops and models of one's own need.

        Args:
            texts: texts in whatever `fit` takes them in.
            columns: of a table: see `fit`.

        Returns:
            The model's inputs by name, int32 `(R, S)` each, padded to the
            longest of `R` sequences: one for each text, or several where the
            head splits long texts.

        Raises:
            InputError: if these are no texts, or there is none.

        Example:
            features = model.encode(["A fine film.", "A dull film."])
            vectors = model.encoder(
                {name: features[name] for name in model.encoder.input}
            )["pooled_output"]
        """
        if self._text_answers is None:
            self._text_answers = TextAnswers(self)
        return self._text_answers.features(texts, columns)

    def score(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        columns: Mapping[str, str] | None = None,
    ) -> dict:
        """Returns the head's `score` of the answers to labelled examples.

        Args:
            x, y: texts and labels, in whatever `fit` takes them in.
            batch_size: int.
            columns: of a table: see `fit`.

        Raises:
            InputError: if an example is wrong, or has no label.
        """
        examples = data.labelled_examples(x, self.head, columns, y)
        return self.head.score(
            examples, self.iterate_answers(examples, batch_size)
        )

    def report_tables(
        self,
        examples: Iterable,
        batch_size: int = 32,
        answers: Iterable[dict] | None = None,
    ) -> list:
        """Returns a list of `Table` on the answers to labelled examples.

        Args:
            examples: labelled examples, re-iterable, or a list of mappings.
            batch_size: int.
            answers: the answers, where they are known.

        Raises:
            InputError: if an example is wrong, or has no label.
        """
        examples = data.labelled_examples(examples, self.head)
        if answers is None:
            answers = self.iterate_answers(examples, batch_size)
        return report_tables(self.head, examples, answers)

    def tune(
        self,
        examples: Iterable,
        batch_size: int = 32,
        answers: Iterable[dict] | None = None,
    ) -> dict:
        """Lets the head choose options, such as a threshold, on examples.

        Args:
            examples: labelled examples that were not trained on, re-iterable,
                or a list of mappings.
            batch_size: int.
            answers: the answers, where they are known.

        Returns:
            dict of the options chosen; empty for heads that choose none.

        Raises:
            InputError: if an example is wrong, or has no label.
        """
        examples = data.labelled_examples(examples, self.head)
        if answers is None:
            answers = self.iterate_answers(examples, batch_size)
        chosen = self.head.tune(examples, answers)
        if chosen:
            # The graphs hold the old ones.
            self._text_answers = None
        return chosen

    def call(self, inputs, training=None, mask=None):
        """Returns the logits, of packed sequences too."""
        is_packed = (
            isinstance(inputs, Mapping) and feature_names.PACKED_INDEX in inputs
        )
        if is_packed:
            return self.for_packed_sequences()(inputs, training)
        return super().call(inputs, training=training, mask=mask)

    def for_packed_sequences(self) -> PackedForm:
        """Returns the form of this model that reads packed sequences.

        Raises:
            InputError: if the encoder or the head cannot be run so.
        """
        if self._packed_form is None:
            self._packed_form = PackedForm(self)
        return self._packed_form

    def get_config(self):
        return saving.serialize(self)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**saving.deserialize(config))

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))

    def compile_for(self, num_batches: int) -> bool:
        """Makes the optimizer of a run from the recipe given to `compile`.

        Args:
            num_batches: int. In the run; below 1 if unknown.

        Returns:
            Whether averages of the weights are to take their place.
        """
        if self._recipe is None:
            return False
        with self.distribute_strategy.scope():
            self._compile_with(
                self._recipe.make(
                    self.encoder,
                    num_batches,
                    self.trainable_variables,
                    self.head.highest_rate,
                ),
                self._compile_rest,
            )
        return self._recipe.averages

    def _compile_with(self, optimizer, compile_rest) -> None:
        compile_rest(optimizer=optimizer)
        # A step that has variables to make would be traced twice.
        if self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)


def _check_names(options):
    """Checks that `compile` knows options, by their names."""
    known = {
        name
        for function in (keras.Model.compile, OptimizerRecipe)
        for name in inspect.signature(function).parameters
    }
    unknown = [name for name in options if name not in known]
    if unknown:
        raise InputError(
            "`compile` takes what Keras's takes, and the options of an "
            f"OptimizerRecipe. Received: {', '.join(unknown)}."
            + (arguments.suggestion(unknown, known) or " Leave it out.")
        )


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == "auto"
