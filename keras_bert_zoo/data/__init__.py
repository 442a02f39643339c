"""From files and lists to padded batches of token ids.

`FileRows` and `MemoryRows` give rows, `check_rows` looks at each of them
once, `build_dataset` turns them into a `tf.data.Dataset`.
"""

from keras_bert_zoo.data.batches import PredictionBatches
from keras_bert_zoo.data.buckets import default_bucket_lengths
from keras_bert_zoo.data.example_report import RowReport
from keras_bert_zoo.data.example_report import check_rows
from keras_bert_zoo.data.examples import MemoryRows
from keras_bert_zoo.data.examples import Row
from keras_bert_zoo.data.examples import Rows
from keras_bert_zoo.data.examples import digest_of
from keras_bert_zoo.data.input_counts import InputCounts
from keras_bert_zoo.data.pipeline import build_dataset
from keras_bert_zoo.data.readers.file_examples import FileRows

__all__ = [
    "FileRows",
    "InputCounts",
    "MemoryRows",
    "PredictionBatches",
    "Row",
    "RowReport",
    "Rows",
    "build_dataset",
    "check_rows",
    "default_bucket_lengths",
    "digest_of",
]
