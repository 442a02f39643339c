"""Models in Hugging Face's format, read and written.

`families` holds one file for each `model_type`: its names of variables and
sizes. A new family is a new file there.
"""

from keras_bert_zoo.checkpoints.huggingface.loading import KIND
from keras_bert_zoo.checkpoints.huggingface.loading import open_source
from keras_bert_zoo.checkpoints.huggingface.loading import read_architecture
from keras_bert_zoo.checkpoints.huggingface.loading import read_tokenizer
from keras_bert_zoo.checkpoints.huggingface.loading import recognizes

__all__ = [
    "KIND",
    "open_source",
    "read_architecture",
    "read_tokenizer",
    "recognizes",
]
