"""What the device reaches: a large matrix product in bfloat16."""

import torch

from benchmarks import harness


def prepare(cell: dict):
    is_gpu = torch.cuda.is_available()
    device = "cuda" if is_gpu else "cpu"
    rows = cell["rows"]
    one, other = torch.randn(2, rows, rows, device=device).bfloat16()

    def work():
        for _ in range(cell["num_products"]):
            product = one @ other
        if is_gpu:
            torch.cuda.synchronize()
        return product

    return work


if __name__ == "__main__":
    harness.serve(prepare)
