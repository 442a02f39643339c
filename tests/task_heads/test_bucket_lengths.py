"""Padding batches to bucket lengths changes no head's loss."""

import every_head
import numpy as np
import pytest

from keras_bert_zoo.data import MemoryExamples
from keras_bert_zoo.data import build_dataset


@pytest.mark.slow
@pytest.mark.parametrize("name", every_head.HEADS)
def test_losses_do_not_depend_on_bucket_lengths(name):
    make_head, rows = every_head.HEADS[name]
    model = every_head.make_model(make_head())
    model.compile()
    rows = MemoryExamples({key: [row[key] for row in rows] for key in rows[0]})

    def examples(**options):
        """Yields length and loss of each, sequence by sequence."""
        dataset = build_dataset(
            rows,
            model.head,
            model.tokenizer,
            sequence_length=model.sequence_length,
            batch_size=1,
            **options,
        )
        for x, y, *weights in dataset:
            loss = model.compute_loss(x, y, model(x), *weights)
            yield x["token_ids"].shape[1], float(loss)

    lengths, losses = zip(*examples())
    fixed_lengths, fixed_losses = zip(*examples(bucket_lengths=(20, 32)))
    assert set(lengths) - {20, 32}
    assert set(fixed_lengths) == {20, 32}
    assert np.ptp(losses) > 1e-3
    np.testing.assert_allclose(losses, fixed_losses, atol=1e-5)
