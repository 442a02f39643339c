"""What all contenders share: sizes, and a batch of masked tokens."""

import numpy as np

SIZES = {
    "vocabulary_size": 30522,
    "num_layers": 6,
    "num_heads": 12,
    "hidden_dim": 384,
    "intermediate_dim": 1536,
}
DROPOUT = 0.1
LEARNING_RATE = 1e-4
WEIGHT_DECAY = 0.01
MASK_ID = 103


def batch(cell: dict) -> dict:
    """Returns int32 arrays of full sequences, 15 % of each masked.

    Args:
        cell: `batch` and `length`.
    """
    draw = np.random.default_rng(0)
    size = cell["batch"], cell["length"]
    token_ids = draw.integers(999, SIZES["vocabulary_size"], size, "int32")
    number = round(0.15 * cell["length"])
    positions = np.stack(
        [
            np.sort(draw.choice(cell["length"], number, replace=False))
            for _ in range(cell["batch"])
        ]
    ).astype("int32")
    originals = np.take_along_axis(token_ids, positions, 1)
    np.put_along_axis(token_ids, positions, MASK_ID, 1)
    return {
        "token_ids": token_ids,
        "segment_ids": np.zeros(size, "int32"),
        "padding_mask": np.ones(size, "int32"),
        "mask_positions": positions,
        "originals": originals,
    }
