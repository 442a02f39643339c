"""The architecture and the batch that every contender is measured on."""

import numpy as np

VOCABULARY_SIZE = 30522
NUM_LAYERS = 6
NUM_HEADS = 12
HIDDEN_DIM = 384
INTERMEDIATE_DIM = 1536
DROPOUT = 0.1
LEARNING_RATE = 5e-5
WEIGHT_DECAY = 0.01
# The product that tells what the machine reaches, in multiplications.
MATRIX_ROWS = 2048
MATRIX_PRODUCT = MATRIX_ROWS * HIDDEN_DIM * INTERMEDIATE_DIM


def batch(cell: dict) -> dict[str, np.ndarray]:
    """Returns int32 `(B, S)` arrays and `labels` `(B,)`, 0 or 1.

    Lengths lie between three quarters of `S` and `S`, as they do in batches
    of texts of like length.
    """
    rows, length = cell["batch"], cell["length"]
    rng = np.random.default_rng(0)
    token_ids = rng.integers(1000, 30000, (rows, length))
    lengths = rng.integers(length * 3 // 4, length + 1, rows)
    padding_mask = np.arange(length) < lengths[:, None]
    return {
        "token_ids": (token_ids * padding_mask).astype("int32"),
        "segment_ids": np.zeros((rows, length), "int32"),
        "padding_mask": padding_mask.astype("int32"),
        "labels": rng.integers(0, 2, rows).astype("int32"),
    }


def multiply_adds(cell: dict) -> float:
    """Returns the multiplications of matrix products in one cell's work.

    A training step counts three times a forward pass.
    """
    tokens = cell["batch"] * cell["length"]
    kernels = 4 * HIDDEN_DIM**2 + 2 * HIDDEN_DIM * INTERMEDIATE_DIM
    attention = 2 * cell["length"] * HIDDEN_DIM
    forward = float(tokens * NUM_LAYERS * (kernels + attention))
    return forward * (3 if cell["step"] == "training" else 1)
