"""From files and lists to padded batches of token ids.

`FileExamples` and `MemoryExamples` give examples, `check_examples` looks at
each of them once, `build_dataset` turns them into a `tf.data.Dataset`.
"""

from keras_bert_zoo.data.batch_stream import BatchStream
from keras_bert_zoo.data.batches import InputCounts
from keras_bert_zoo.data.batches import default_bucket_lengths
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.data.examples import ExampleReport
from keras_bert_zoo.data.examples import Examples
from keras_bert_zoo.data.examples import MemoryExamples
from keras_bert_zoo.data.examples import as_examples
from keras_bert_zoo.data.examples import check_examples
from keras_bert_zoo.data.examples import overlap_of
from keras_bert_zoo.data.examples import settled
from keras_bert_zoo.data.examples import slips_of
from keras_bert_zoo.data.examples import validation_examples
from keras_bert_zoo.data.pipeline import BatchExamples
from keras_bert_zoo.data.pipeline import build_dataset
from keras_bert_zoo.data.prediction_batches import OtherInputsError
from keras_bert_zoo.data.prediction_batches import PredictionBatches
from keras_bert_zoo.data.readers.file_examples import FileExamples
from keras_bert_zoo.data.unseen_labels import checked_to_score
from keras_bert_zoo.data.unseen_labels import labelled_examples

__all__ = [
    "BatchExamples",
    "BatchStream",
    "FileExamples",
    "InputCounts",
    "MemoryExamples",
    "OtherInputsError",
    "PredictionBatches",
    "Example",
    "ExampleReport",
    "Examples",
    "as_examples",
    "build_dataset",
    "check_examples",
    "checked_to_score",
    "default_bucket_lengths",
    "labelled_examples",
    "overlap_of",
    "settled",
    "slips_of",
    "validation_examples",
]
