"""The trained head that a checkpoint brings beside its encoder."""

from typing import NamedTuple


class HeadWeights(NamedTuple):
    """A trained head outside of any model.

    Attributes:
        kind: str. Name of the head that reads them: `classification`,
            `tagging`, `span_qa`, `masked_lm` or `next_sentence`.
        labels: list of str, in the order of the logits; may be empty.
        weights: dict of float32 numpy arrays by name, kernels `(in, out)`.
            `kernel` and `bias`; for `masked_lm` the variables of
            `MaskedLMHead`.
        config: dict. What else the source says of the task. A
            classification's `kind` is `single_label`, `multi_label` or
            `regression`.
    """

    kind: str
    labels: list
    weights: dict
    config: dict
