"""A reader follows a call from its beginning to the first layer."""

import called_files
import programs
import pytest
import tensorflow as tf

from keras_bert_zoo.data.batches import group_by_size

MOST_FILES = {"fit": 25, "predict_text": 13}


@pytest.fixture(scope="module")
def files_of_verbs():
    pytest.importorskip("tensorflow_text")  # the tokenizer's usual engine
    found = programs.run(called_files.__file__, *MOST_FILES)
    return dict(zip(MOST_FILES, found, strict=True))


@pytest.mark.parametrize("verb", MOST_FILES)
def test_a_call_reaches_the_first_layer_through_few_files(files_of_verbs, verb):
    files = files_of_verbs[verb]
    assert "keras_bert_zoo/tokenization/packing.py" in files
    listed = [f"{path}: {', '.join(names)}" for path, names in files.items()]
    assert len(listed) <= MOST_FILES[verb], "\n".join(listed)


def test_functions_that_autograph_converts_are_seen():
    lengths = tf.data.Dataset.from_tensors(tf.constant([3, 1]))
    files = called_files.called_files(
        lambda: lengths.map(lambda each: group_by_size(each, 1))
    )
    assert files == {"keras_bert_zoo/data/batches.py": ["group_by_size"]}
