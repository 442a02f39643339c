"""The model a user holds: encoder, head and tokenizer in one."""

import math
import os
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from keras_bert_zoo import data
from keras_bert_zoo import task_files
from keras_bert_zoo.encoder import BertEncoder
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.registry import heads
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.tokenization.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.vocabulary import Vocabulary
from keras_bert_zoo.training.optimizer import AdamW
from keras_bert_zoo.training.schedule import WarmupThenLinearDecay


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class TaskModel(keras.Model):
    """An encoder with a task head that reads raw text.

    A functional Keras model from `token_ids`, `segment_ids` and
    `padding_mask` to the head's logits. `fit` and `evaluate` also take texts
    or rows of files, which they tokenize, group by length and pad in the
    input pipeline; `predict_text` returns decoded answers.

    Args:
        encoder: `BertEncoder`, or a keras-hub encoder with the same inputs.
        head: `TaskHead`.
        tokenizer: `BertTokenizer`.
        sequence_length: int or `None`. Most tokens in a sequence; the
            encoder's positions when `None`. Longer texts are truncated.
        freeze_encoder: bool. Whether only the head is trained.
        name: str.

    Raises:
        InputError: if `sequence_length` exceeds the encoder's positions, or
            tokenizer and encoder differ in the size of the vocabulary.
    """

    def __init__(
        self,
        encoder: keras.Model,
        head: TaskHead,
        tokenizer: BertTokenizer,
        sequence_length: int | None = None,
        freeze_encoder: bool = False,
        name: str | None = None,
        **kwargs,
    ):
        sequence_length = _checked_length(encoder, sequence_length)
        if len(tokenizer.vocabulary) > encoder.vocabulary_size:
            raise InputError(
                "The encoder must have a row for every token. Received: "
                f"{len(tokenizer.vocabulary)} tokens, vocabulary_size="
                f"{encoder.vocabulary_size}. Use the vocabulary that the "
                "encoder was trained with."
            )
        encoder.trainable = not freeze_encoder
        model = head.build(encoder)
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
        self.freeze_encoder = freeze_encoder
        self._defaults = None
        self._answer_function = None

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike,
        head: str | TaskHead | None = None,
        *,
        sequence_length: int | None = None,
        freeze_encoder: bool = False,
        load_weights: bool = True,
        dtype=None,
        tokenizer_engine: str = "auto",
        **head_options,
    ) -> "TaskModel":
        """Makes a model from a preset's encoder, or loads a saved model.

        Args:
            preset: name of a preset, or a directory that `save_to_preset`
                wrote.
            head: name of a registered head, a `TaskHead`, or `None` for the
                head saved in the directory.
            sequence_length: int or `None`. Most tokens in a sequence.
            freeze_encoder: bool. Whether only the head is trained.
            load_weights: bool. Whether the encoder starts from the preset's
                weights rather than random ones.
            dtype: dtype policy of encoder and head, such as
                `"mixed_bfloat16"`.
            tokenizer_engine: `auto`, `fast` or `graph`.
            **head_options: arguments of the named head, such as `labels`.

        Raises:
            InputError: if preset or head is unknown, or no head is given
                and none is saved there.
        """
        return task_files.load_task(
            cls,
            preset,
            head,
            sequence_length=sequence_length,
            freeze_encoder=freeze_encoder,
            load_weights=load_weights,
            dtype=dtype,
            tokenizer_engine=tokenizer_engine,
            **head_options,
        )

    def save_to_preset(
        self, directory: str | os.PathLike, overwrite: bool = False
    ) -> None:
        """Writes weights, head, labels and vocabulary, all or nothing.

        Args:
            directory: where to write.
            overwrite: bool. Whether an existing directory may be replaced.

        Raises:
            InputError: if the directory exists and `overwrite` is false.
        """
        task_files.save_task(self, directory, overwrite)

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        *,
        metrics="auto",
        learning_rate: float = 5e-5,
        weight_decay: float = 0.01,
        warmup_fraction: float = 0.1,
        jit_compile: bool = False,
        **kwargs,
    ) -> None:
        """Configures training; every argument has a sound default.

        Args:
            optimizer: a Keras optimizer, or `"auto"`: AdamW without decay
                of biases and layer norms, its rate rising linearly and then
                falling to zero at the end of each `fit`.
            loss: a Keras loss, or `"auto"` for the head's.
            metrics: Keras metrics, or `"auto"` for the head's.
            learning_rate: float. The peak rate of the default optimizer.
            weight_decay: float. Decay of the default optimizer.
            warmup_fraction: float in [0, 1]. Share of a `fit`'s steps in
                which the default rate rises.
            jit_compile: bool. Whether XLA compiles the step. Batches of
                many lengths would be compiled once for each length.
            **kwargs: what `keras.Model.compile` takes.
        """
        self._defaults = None
        if optimizer == "auto":
            self._defaults = {
                "learning_rate": learning_rate,
                "weight_decay": weight_decay,
                "warmup_fraction": warmup_fraction,
            }
            optimizer = AdamW(learning_rate, weight_decay)
        self._compile_arguments = {
            "loss": self.head.losses() if loss == "auto" else loss,
            "metrics": self.head.metrics() if metrics == "auto" else metrics,
            "jit_compile": jit_compile,
            **kwargs,
        }
        super().compile(optimizer=optimizer, **self._compile_arguments)

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
        **kwargs,
    ) -> keras.callbacks.History:
        """Trains on texts, on rows of files, or on ready features.

        Args:
            x: list of texts (or of pairs of texts), rows such as
                `FileRows`, or anything that `keras.Model.fit` takes.
            y: labels of the texts, by name or number.
            batch_size: int. Examples in a batch.
            epochs: int.
            validation_data: rows, a pair `(x, y)`, or a ready data set.
            shuffle: bool. Whether examples are shuffled each epoch.
            seed: int. Seed of the shuffle: same seed, same batches.
            tokens_per_batch: int or `None`. Most tokens in a batch, padding
                included; `batch_size` then plays no part.
            **kwargs: what `keras.Model.fit` takes.

        Raises:
            InputError: if the data set is empty or a row is wrong.
        """
        if not self.compiled:
            self.compile()
        training = self._dataset(
            x,
            y,
            batch_size,
            shuffle=shuffle,
            seed=seed,
            tokens_per_batch=tokens_per_batch,
        )
        if training is None:
            kwargs.update(y=y, shuffle=shuffle)
            if not isinstance(x, tf.data.Dataset):
                kwargs.update(batch_size=batch_size)
            training = x
        if validation_data is not None:
            validation_data = self._validation(validation_data, batch_size)
        if self._defaults is not None:
            steps = kwargs.get("steps_per_epoch") or _num_batches(
                training, batch_size
            )
            self._schedule(steps * (epochs - kwargs.get("initial_epoch", 0)))
        return super().fit(
            training, epochs=epochs, validation_data=validation_data, **kwargs
        )

    def evaluate(self, x=None, y=None, batch_size: int = 32, **kwargs):
        """Returns loss and metrics on whatever `fit` takes."""
        if not self.compiled:
            self.compile()
        dataset = self._dataset(x, y, batch_size)
        if dataset is not None:
            return super().evaluate(dataset, **kwargs)
        if y is not None:
            kwargs.update(y=y)
        if not isinstance(x, tf.data.Dataset):
            kwargs.update(batch_size=batch_size)
        return super().evaluate(x, **kwargs)

    def predict_text(self, texts: Iterable, batch_size: int = 32) -> list:
        """Answers for raw texts, in their order.

        Args:
            texts: one text (or pair), a list of them, or rows.
            batch_size: int. Texts in a batch; texts of like length share
                one.

        Returns:
            One dict per text, as the head's `answers` makes them; for a
            single text, one dict.
        """
        if isinstance(texts, str):
            return self.predict_text([texts], batch_size)[0]
        rows = self._rows(texts, None)
        if rows is None:
            raise InputError(
                "`predict_text` takes texts. Received: "
                f"{type(texts).__name__}. Call `predict` for features."
            )
        answers = {}
        for inputs, index in data.build_prediction_dataset(
            rows,
            self.head,
            self.tokenizer,
            sequence_length=self.sequence_length,
            batch_size=batch_size,
        ):
            decoded = self._answer(inputs)
            decoded = {key: value.numpy() for key, value in decoded.items()}
            answers.update(
                zip(index.numpy().tolist(), self.head.answers(decoded))
            )
        return [answers[index] for index in range(len(answers))]

    def get_config(self):
        return {
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "head": {"name": self.head.name, "config": self.head.get_config()},
            "tokenizer": self.tokenizer.get_config(),
            "vocabulary": list(self.tokenizer.vocabulary.tokens),
            "sequence_length": self.sequence_length,
            "freeze_encoder": self.freeze_encoder,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        head = config.pop("head")
        vocabulary = Vocabulary(config.pop("vocabulary"))
        return cls(
            keras.saving.deserialize_keras_object(config.pop("encoder")),
            heads.get(head["name"]).from_config(head["config"]),
            BertTokenizer(vocabulary, **config.pop("tokenizer")),
            **config,
        )

    def _answer(self, inputs):
        if self._answer_function is None:
            self._answer_function = tf.function(
                lambda inputs: self.head.decode(self(inputs, training=False)),
                reduce_retracing=True,
            )
        return self._answer_function(inputs)

    def _rows(self, x, y):
        if isinstance(x, data.FileRows | data.MemoryRows):
            return x
        if not isinstance(x, list | tuple | np.ndarray) or len(x) == 0:
            return None
        fields = self.head.text_fields
        if len(fields) == 1 and isinstance(x[0], str):
            values = {fields[0]: x}
        elif len(fields) > 1 and all(len(row) == len(fields) for row in x):
            values = dict(zip(fields, zip(*x)))
        else:
            return None
        if y is not None:
            values[self.head.label_fields[0]] = y
        return data.MemoryRows(values)

    def _dataset(self, x, y, batch_size: int, **kwargs):
        rows = self._rows(x, y)
        if rows is None:
            return None
        report = data.check_rows(rows, self.head)
        return data.build_dataset(
            rows,
            self.head,
            self.tokenizer,
            sequence_length=self.sequence_length,
            batch_size=batch_size,
            num_rows=report.num_rows,
            **kwargs,
        )

    def _validation(self, given, batch_size: int):
        pair = given if isinstance(given, tuple) else (given, None)
        dataset = self._dataset(*pair[:2], batch_size)
        return given if dataset is None else dataset

    def _schedule(self, total_steps: int) -> None:
        # The default rate falls to zero at the end of this fit, so the
        # optimizer can only be made now.
        defaults = self._defaults
        if total_steps < 1:
            logging.warning(
                "The number of steps is unknown: the learning rate stays at "
                "%g. Give steps_per_epoch for warm-up and decay.",
                defaults["learning_rate"],
            )
            return
        schedule = WarmupThenLinearDecay(
            defaults["learning_rate"],
            total_steps,
            math.ceil(total_steps * defaults["warmup_fraction"]),
        )
        super().compile(
            optimizer=AdamW(schedule, defaults["weight_decay"]),
            **self._compile_arguments,
        )


def _checked_length(encoder: keras.Model, length: int | None) -> int:
    longest = encoder.max_sequence_length
    if length is None:
        return longest
    if not 3 <= length <= longest:
        raise InputError(
            "`sequence_length` must lie between 3 and the encoder's "
            f"{longest} positions. Received: sequence_length={length}. "
            "Shorten it, or build the encoder with "
            f"max_sequence_length={length}."
        )
    return length


def _num_batches(dataset, batch_size: int) -> int:
    if isinstance(dataset, tf.data.Dataset):
        return int(dataset.cardinality())
    try:
        rows = len(next(iter(keras.tree.flatten(dataset))))
    except TypeError:
        return 0
    return math.ceil(rows / batch_size)
