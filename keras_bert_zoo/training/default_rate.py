"""The learning rate where nobody has named one."""

from collections.abc import Iterable

import keras

# Devlin et al., 2019, appendix A.3: among the best for BERT-base, which has
# 12 layers of width 768.
BERT_BASE_RATE = 5e-5
BERT_BASE_SIZE = 12 * 768
HIGHEST_RATE = 1e-3
HEAD_RATE = 1e-3
LAMB_RATE = 1e-3


def default_rate(
    optimizer: str,
    encoder: keras.Model,
    trained: Iterable[keras.Variable] | None = None,
) -> tuple[float, str]:
    """Returns the peak learning rate, and the reason for it.

    Smaller encoders want higher rates: BERT-base's falls with the product of
    layers and width, and rises no further than 1e-3. Measured in
    `benchmarks/README.md`.

    Args:
        optimizer: str. `adamw` or `lamb`.
        encoder: the encoder. BERT-base's rate is taken for one that does not
            tell `num_layers` and `hidden_dim`.
        trained: the variables that are trained; `None` for all.
    """
    if optimizer == "lamb":
        return LAMB_RATE, "LAMB, which follows the length of the weights"
    if trained is not None:
        of_encoder = {id(variable) for variable in encoder.weights}
        if not any(id(variable) in of_encoder for variable in trained):
            return HEAD_RATE, "the head alone is trained"
    num_layers = getattr(encoder, "num_layers", None)
    hidden_dim = getattr(encoder, "hidden_dim", None)
    if num_layers is None or hidden_dim is None:
        return BERT_BASE_RATE, "that of BERT-base"
    rate = BERT_BASE_RATE * BERT_BASE_SIZE / (num_layers * hidden_dim)
    rate = min(rate, HIGHEST_RATE)
    reason = f"{num_layers} layers of width {hidden_dim}"
    return float(f"{rate:.2g}"), reason
