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

    def on_read(self, number: int, what: str) -> None:
        """Called now and then while files are read.

        Args:
            number: int. How many were read so far.
            what: str. Of what, such as `sentences`.
        """

    def on_save(self) -> None:
        """Called once the model is saved, before its report is written."""

    def check(self) -> None:
        """Called between the parts of a run; what it raises ends the run."""
