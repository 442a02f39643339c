"""What a model fills into gaps of held-out sentences, as it learns."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo.pretraining.corpus import Corpus
from keras_bert_zoo.pretraining.token_logits import MASK_POSITIONS
from keras_bert_zoo.task.report_tables import Table

NUM_SENTENCES = 8
NUM_COLUMNS = 5
# Tokens of a sentence that is shown.
SHORTEST, LONGEST = 8, 24


class FilledGaps(keras.callbacks.Callback):
    """Masks a token of some sentences, and keeps what a model puts there.

    Args:
        corpus: held-out documents.
        num_epochs: int. Of the run; about `NUM_COLUMNS` of them are kept.
        seed: int. Of the choice of sentences and tokens.
    """

    def __init__(self, corpus: Corpus, num_epochs: int, seed: int = 0):
        super().__init__()
        self._corpus = corpus
        self._seed = seed
        marks = np.linspace(1, num_epochs, min(NUM_COLUMNS, num_epochs))
        self._epochs = set(marks.round().astype(int).tolist())
        self._sentences: list[np.ndarray] = []
        self._places: list[int] = []
        # Number of an epoch, as text -> what it answered.
        self._answers: dict[str, list[str]] = {}

    @staticmethod
    def can_ask(model: keras.Model) -> bool:
        """Returns whether a model predicts masked tokens at positions."""
        return set(model.input) == {*model.encoder.input, MASK_POSITIONS}

    def backup_state(self) -> dict:
        """Returns the answers so far, JSON-able."""
        return {"answers": self._answers}

    def restore_state(self, state: dict) -> None:
        """Takes what `backup_state` returned."""
        self._answers = dict(state["answers"])

    def on_train_begin(self, logs=None):
        # A run of two phases begins twice.
        if not self._sentences:
            tokenizer = self.model.tokenizer
            room = self.model.sequence_length - tokenizer.num_special_tokens(1)
            self._choose(tokenizer.maskable_tokens(), min(LONGEST, room))

    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 in self._epochs and self._sentences:
            self._answers[str(epoch + 1)] = self._fill()

    def tables(self) -> list[Table]:
        """Returns a table of the sentences and answers; none without any."""
        if not self._answers:
            return []
        numbers = sorted(self._answers, key=int)
        texts = self.model.tokenizer.token_texts()
        rows = [
            (
                self._text(sentence, place),
                texts[sentence[place]],
                *(self._answers[number][index] for number in numbers),
            )
            for index, (sentence, place) in enumerate(
                zip(self._sentences, self._places, strict=True)
            )
        ]
        columns = ("sentence", "masked", *(f"part {n}" for n in numbers))
        return [Table("Gaps filled in held-out sentences", columns, rows)]

    def _choose(self, is_plain: np.ndarray, longest: int) -> None:
        splits = self._corpus.sentence_splits
        lengths = np.diff(splits)
        fitting = np.flatnonzero((lengths >= SHORTEST) & (lengths <= longest))
        draw = np.random.default_rng(self._seed)
        for sentence in draw.permutation(fitting):
            ids = self._corpus.token_ids[
                splits[sentence] : splits[sentence + 1]
            ]
            places = np.flatnonzero(is_plain[ids])
            # Marks and parts of words say little.
            places = [place for place in places if self._is_word(ids, place)]
            if places:
                self._sentences.append(ids.astype("int32"))
                self._places.append(int(draw.choice(places)))
            if len(self._sentences) == NUM_SENTENCES:
                break

    def _is_word(self, ids: np.ndarray, place: int) -> bool:
        words = self.model.tokenizer.tokens
        around = [words[one] for one in ids[place : place + 2]]
        return len(around[0]) > 2 and all(
            one.isalpha() or len(one) == 1 for one in around
        )

    def _fill(self) -> list[str]:
        tokenizer = self.model.tokenizer
        masked = [sentence.copy() for sentence in self._sentences]
        for sentence, place in zip(masked, self._places, strict=True):
            sentence[place] = tokenizer.mask_id
        packed = tokenizer.pack(
            [tf.ragged.constant(masked, dtype=tf.int32)],
            LONGEST + tokenizer.num_special_tokens(1),
        )
        positions = tf.constant(self._places, tf.int32)
        positions += packed.segment_starts[0]
        inputs = tokenizer.pad(packed.inputs)
        logits = self.model(
            {**inputs, MASK_POSITIONS: positions[:, None]}, training=False
        )
        if isinstance(logits, dict):
            logits = logits["masked_lm"]
        best = np.argmax(logits[:, 0], axis=-1)
        texts = tokenizer.token_texts()
        return [texts[token] for token in best]

    def _text(self, sentence: Sequence[int], place: int) -> str:
        tokens = self.model.tokenizer.token_texts()
        try:
            continues = self.model.tokenizer.continues_word()
        except ValueError:
            continues = np.zeros(len(tokens), bool)
        text = ""
        for index, token in enumerate(sentence):
            text += "" if continues[token] else " "
            text += "___" if index == place else tokens[token]
        return text.strip()
