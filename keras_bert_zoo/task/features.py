"""What a head makes of a batch of examples."""

from typing import Any
from typing import NamedTuple

from keras_bert_zoo import feature_names


class Features(NamedTuple):
    """A batch of `B` examples as `R` sequences, tokenized, not yet padded.

    Attributes:
        inputs: dict of int32 `RaggedTensor` `(R, None)`: what the tokenizer
            packed, and what `TaskHead.token_inputs` names.
        labels: what the losses take, or `None`.
        weights: float32 weights in the loss, `(R,)` or as long as the
            labels, or `None`.
        num_truncated: int32 `(B,)`, tokens that did not fit, per example.
        num_sequences: int64 `(B,)`, sequences of each example, in order; or
            `None` where each example is one.
        context: dict of tensors `(B, ...)`, dense or ragged, that
            `decode_texts` needs beside the logits, or `None`.
        constants: dict of tensors that it needs and that are the same for
            all examples, such as the vocabulary's tokens, or `None`.
    """

    inputs: dict
    labels: Any
    weights: Any
    num_truncated: Any
    num_sequences: Any = None
    context: Any = None
    constants: Any = None

    def decoding_context(self) -> dict:
        """Returns what `decode_texts` takes beside the logits."""
        context = {**(self.context or {}), **(self.constants or {})}
        if self.num_sequences is not None:
            context[feature_names.NUM_SEQUENCES] = self.num_sequences
        return context
