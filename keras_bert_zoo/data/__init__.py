"""From files and lists to padded batches of token ids.

`FileExamples` and `MemoryExamples` give examples, `check_examples` looks at
each of them once, `build_dataset` turns them into a `tf.data.Dataset`.
"""

from keras_bert_zoo.data.batches import InputCounts
from keras_bert_zoo.data.batches import PredictionBatches
from keras_bert_zoo.data.batches import default_bucket_lengths
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import ExampleReport
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.examples import MemoryExamples
from keras_bert_zoo.data.examples import check_examples
from keras_bert_zoo.data.pipeline import build_dataset
from keras_bert_zoo.data.readers.file_examples import FileExamples

__all__ = [
    "FileExamples",
    "InputCounts",
    "MemoryExamples",
    "PredictionBatches",
    "Example",
    "ExampleReport",
    "Examples",
    "build_dataset",
    "check_examples",
    "default_bucket_lengths",
]
