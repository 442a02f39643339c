"""The arrays of a TensorFlow checkpoint: `NAME.index` and `NAME.data-*`."""

import pathlib

import numpy as np
import tensorflow as tf

from keras_bert_zoo.checkpoints.json_file import read_json
from keras_bert_zoo.checkpoints.rules import Variables
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
CONFIG = "bert_config.json"
VOCABULARY = "vocab.txt"

# What TensorFlow's reader raises for files that are missing or damaged.
_UNREADABLE = (tf.errors.OpError, RuntimeError, ValueError, LookupError)


def find(source: str) -> pathlib.Path | None:
    """Returns the prefix of the checkpoint files, or `None`.

    Args:
        source: the prefix itself, the index file, or a directory: there the
            checkpoint that TensorFlow's `checkpoint` file names, else the
            only one.

    Raises:
        InputError: if a directory holds several and names none.
    """
    path = pathlib.Path(source)
    if not path.is_dir():
        prefix = path.with_suffix("") if path.suffix == ".index" else path
        index = prefix.with_name(prefix.name + ".index")
        return prefix if index.is_file() else None
    prefixes = sorted(file.with_suffix("") for file in path.glob("*.index"))
    if len(prefixes) < 2:
        return prefixes[0] if prefixes else None
    state = tf.train.get_checkpoint_state(path)
    if state is not None:
        # The recorded directory is that of the machine that trained.
        newest = path / pathlib.PurePath(state.model_checkpoint_path).name
        if newest in prefixes:
            return newest
    raise InputError(
        f"{path} must hold one checkpoint. Received: "
        f"{', '.join(prefix.name for prefix in prefixes)}. Name the one to "
        "load."
    )


def variables_of(prefix: pathlib.Path) -> Variables:
    """Returns the arrays of a checkpoint, none read yet.

    Raises:
        InputError: if a file is missing or corrupt; also when an array is
            read.
    """
    try:
        reader = tf.train.load_checkpoint(str(prefix))
        shapes = reader.get_variable_to_shape_map()
    except _UNREADABLE as error:
        raise _unreadable(prefix, error) from error

    def read(name: str) -> np.ndarray:
        try:
            return np.asarray(reader.get_tensor(name))
        except _UNREADABLE as error:
            raise _unreadable(prefix, error) from error

    return Variables({key: tuple(shapes[key]) for key in shapes}, read)


def is_object_graph(prefix: pathlib.Path) -> bool:
    """Says whether objects, rather than a TF1 graph, were saved.

    Raises:
        InputError: if the checkpoint cannot be read.
    """
    return OBJECT_GRAPH in variables_of(prefix).shapes


def read_tokenizer(directory: pathlib.Path) -> BertTokenizer | None:
    """Returns the tokenizer of `vocab.txt`, or `None` where there is none.

    Nothing beside it says whether text is lower-cased. The vocabulary does:
    one made from lower-cased text has no capital letter outside of brackets.
    """
    if not (directory / VOCABULARY).is_file():
        return None
    vocabulary = Vocabulary.from_file(directory / VOCABULARY)
    lowercase = not any(
        token != token.lower()
        for token in vocabulary.tokens
        if not (token.startswith("[") and token.endswith("]"))
    )
    return BertTokenizer(vocabulary, lowercase)


def read_config(directory: pathlib.Path) -> dict:
    """Returns what `bert_config.json` holds."""
    return read_json(directory / CONFIG)


def _unreadable(prefix: pathlib.Path, error: Exception) -> InputError:
    reason = str(error).partition("\n")[0].removesuffix(".")
    return InputError(
        f"{prefix} must be a whole TensorFlow checkpoint. Received files "
        f"that cannot be read: {reason}. Fetch {prefix.name}.index and "
        f"{prefix.name}.data-* again."
    )
