"""Batches of ready features, which a run can resume at any batch."""

import abc

import tensorflow as tf


class BatchStream(abc.ABC):
    """Batches of ready features in a fixed order, pass after pass.

    `fit` takes it in place of a `tf.data.Dataset`, whose batches a resumed run
    would have to make again from the first one on.
    """

    @property
    @abc.abstractmethod
    def num_batches(self) -> int:
        """Batches of a pass over the data."""

    @abc.abstractmethod
    def dataset(self, first: int = 0) -> tf.data.Dataset:
        """Returns the batches without end.

        Args:
            first: int. The batch to begin with, counted from the first pass.
        """

    @abc.abstractmethod
    def digest(self) -> str:
        """Returns the digest of the data, by which a backup knows them."""
