"""Which rows a step of `fit` was trained on."""

import itertools
from typing import Any

from keras_bert_zoo import data


class BatchRows:
    """Finds the rows of a batch by reading the pipeline once more.

    The same seed gives the same batches, so nothing has to be kept while
    the model is trained.

    Args:
        model: `TaskModel`.
        rows: that it was trained on.
        **options: of `data.build_dataset`, as they were for `fit`.
    """

    def __init__(self, model: Any, rows: data.Rows, **options):
        self._model = model
        self._rows = rows
        self._options = options

    def origins(self, start: int, stop: int) -> list[str]:
        """Returns where the rows stand, such as `train.tsv:17`, in order.

        Args:
            start, stop: int. The steps, from 0 at the beginning of `fit`;
                the last is exclusive.
        """
        batches = data.build_dataset(
            self._rows,
            self._model.head,
            self._model.tokenizer,
            sequence_length=self._model.sequence_length,
            only_row_index=True,
            **self._options,
        ).repeat()
        places = set()
        for (row_index,) in batches.skip(start).take(stop - start):
            places.update(row_index.numpy().tolist())
        last = max(places, default=-1) + 1
        return [
            row.origin
            for place, row in enumerate(itertools.islice(self._rows, last))
            if place in places
        ]
