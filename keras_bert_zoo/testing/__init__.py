"""Checks that plugin authors run on what they write.

`check_head` and `check_tokenizer` hold a head and a tokenizer against their
contracts; `check_tpu_ready` compiles the training step as a TPU would have it.
All raise an error that names what is wrong.
"""

from keras_bert_zoo.testing.head_contract import check_head
from keras_bert_zoo.testing.tiny_bert import SEQUENCE_LENGTH
from keras_bert_zoo.testing.tiny_bert import tiny_encoder
from keras_bert_zoo.testing.tiny_bert import tiny_tokenizer
from keras_bert_zoo.testing.tokenizer_contract import check_tokenizer
from keras_bert_zoo.testing.tpu_readiness import check_tpu_ready

__all__ = [
    "SEQUENCE_LENGTH",
    "check_head",
    "check_tokenizer",
    "check_tpu_ready",
    "tiny_encoder",
    "tiny_tokenizer",
]
