"""Checks that plugin authors run on what they write.

`check_head` holds a head against its contract; `check_tpu_ready` compiles the
training step as a TPU would have it. Both raise an error that names what is
wrong.
"""

from keras_bert_zoo.testing.head_contract import SEQUENCE_LENGTH
from keras_bert_zoo.testing.head_contract import check_head
from keras_bert_zoo.testing.head_contract import tiny_encoder
from keras_bert_zoo.testing.head_contract import tiny_tokenizer
from keras_bert_zoo.testing.tpu_readiness import check_tpu_ready

__all__ = [
    "SEQUENCE_LENGTH",
    "check_head",
    "check_tpu_ready",
    "tiny_encoder",
    "tiny_tokenizer",
]
