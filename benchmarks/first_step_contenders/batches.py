"""BERT-base, four tasks, and a batch for each."""

import numpy as np

from benchmarks.encoder_contenders import batches

SIZES = {
    "vocabulary_size": batches.VOCABULARY_SIZE,
    "num_layers": 12,
    "num_heads": 12,
    "hidden_dim": 768,
    "intermediate_dim": 3072,
    "dropout": 0.1,
}
NUM_TAGS = 9
SHARE_OF_MASKS = 0.15


def batch(cell: dict) -> dict:
    """Returns the encoder's inputs and what each task learns from.

    Args:
        cell: `batch` and `length`.

    Returns:
        dict of arrays: `inputs` (a dict), `label` `(B,)`, `tags` and
        `weights` `(B, S)`, `mask_positions` and `masked_ids` `(B, P)`.
    """
    found = batches.batch(cell)
    label = found.pop("labels")
    rows, length = cell["batch"], cell["length"]
    rng = np.random.default_rng(1)
    num_masks = int(SHARE_OF_MASKS * length)
    positions = rng.integers(1, length * 3 // 4, (rows, num_masks))
    return {
        "inputs": found,
        "label": label,
        "tags": rng.integers(0, NUM_TAGS, (rows, length)).astype("int32"),
        "weights": found["padding_mask"].astype("float32"),
        "mask_positions": np.sort(positions, axis=1).astype("int32"),
        "masked_ids": rng.integers(1000, 30000, (rows, num_masks)).astype(
            "int32"
        ),
    }
