"""The PyTorch loop with every sequence padded to 384 tokens."""

import functools

from benchmarks import harness
from benchmarks.span_qa_contenders import pytorch

if __name__ == "__main__":
    harness.serve(functools.partial(pytorch.prepare, fixed=True))
