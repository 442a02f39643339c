"""Task heads and the models made with them.

`TaskHead` is what a plugin writes, `TaskModel` (in `task.model`) what a user
fits.
"""

from keras_bert_zoo.task.encoding import build_on_one_encoder
from keras_bert_zoo.task.encoding import encode
from keras_bert_zoo.task.encoding import encode_outputs
from keras_bert_zoo.task.head import Features
from keras_bert_zoo.task.head import Option
from keras_bert_zoo.task.head import Signature
from keras_bert_zoo.task.head import TaskHead
from keras_bert_zoo.task.head import TensorInfo
from keras_bert_zoo.task.head import is_new
from keras_bert_zoo.task.head import log_frequencies
from keras_bert_zoo.task.head import log_odds

__all__ = [
    "Features",
    "Option",
    "Signature",
    "TaskHead",
    "TensorInfo",
    "build_on_one_encoder",
    "encode",
    "encode_outputs",
    "is_new",
    "log_frequencies",
    "log_odds",
]
