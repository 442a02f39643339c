"""What a workflow reports while it runs."""

import keras

from keras_bert_zoo.training.callbacks.throughput import Throughput
from keras_bert_zoo.training.resume.backup import Backup


class Progress(keras.callbacks.Callback):
    """A Keras callback that also hears what a workflow does outside of `fit`.

    Subclasses override what they show.

    Attributes:
        throughput: `Throughput` of the run, set before training.
        backup: `Backup` of the run, or of its phase, set before training.
    """

    throughput: Throughput | None = None
    backup: Backup | None = None

    def on_note(self, topic: str, text: str) -> None:
        """Called with a fact known before training, such as the rate chosen.

        Args:
            topic: str. One word, such as `train` or `precision`.
            text: str. A line.
        """

    def on_work(
        self, what: str, done: int = 0, total: int | None = None
    ) -> None:
        """Called when a part of the run begins, and now and then after that.

        Args:
            what: str. What is being done, such as `reading train.tsv`.
            done: int. How much of it, in examples, documents or sentences.
            total: int or `None`. Of how much, where that is known.
        """

    def on_save(self) -> None:
        """Called once the model is saved, before its report is written."""

    def check(self) -> None:
        """Called between the parts of a run; what it raises ends the run."""
