"""BERT-base in bfloat16, and a batch without padding."""

import numpy as np

VOCABULARY_SIZE = 30522
DROPOUT = 0.1
LEARNING_RATE = 5e-5
SIZES = {
    "base": {
        "num_layers": 12,
        "num_heads": 12,
        "hidden_dim": 768,
        "intermediate_dim": 3072,
    },
    "tiny": {
        "num_layers": 2,
        "num_heads": 2,
        "hidden_dim": 128,
        "intermediate_dim": 512,
    },
}


def rows(cell: dict) -> dict[str, np.ndarray]:
    """Returns int32 `(N, S)` arrays and `labels` `(N,)`, for all steps."""
    num_rows = cell["batch"] * cell["num_steps"]
    shape = (num_rows, cell["length"])
    rng = np.random.default_rng(0)
    return {
        "token_ids": rng.integers(1000, 30000, shape).astype("int32"),
        "segment_ids": np.zeros(shape, "int32"),
        "padding_mask": np.ones(shape, "int32"),
        "labels": rng.integers(0, 2, num_rows).astype("int32"),
    }


def multiply_adds(cell: dict) -> float:
    """Returns the multiplications of matrix products in one step."""
    sizes = SIZES[cell["size"]]
    hidden, inner = sizes["hidden_dim"], sizes["intermediate_dim"]
    kernels = 4 * hidden**2 + 2 * hidden * inner
    attention = 2 * cell["length"] * hidden
    tokens = cell["batch"] * cell["length"]
    forward = float(tokens * sizes["num_layers"] * (kernels + attention))
    return forward * (3 if cell["step"] == "training" else 1)
