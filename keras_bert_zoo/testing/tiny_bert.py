"""A BERT so small that a test builds it in passing."""

import functools
from collections.abc import Sequence

import keras

from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

SEQUENCE_LENGTH = 32


def tiny_tokenizer(texts: Sequence[str]) -> BertTokenizer:
    """Returns an uncased tokenizer with the words of these texts.

    The same one for the same words: its first call takes half a second.
    """
    words = {word for text in texts for word in text.lower().split()}
    characters = {character for word in words for character in word}
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens += sorted(words | characters)
    tokens += sorted(f"##{character}" for character in characters)
    return _tokenizer_of(tuple(tokens))


@functools.lru_cache(maxsize=32)
def _tokenizer_of(tokens: tuple[str, ...]) -> BertTokenizer:
    return BertTokenizer(Vocabulary(tokens), lowercase=True)


def tiny_encoder(vocabulary_size: int, **overrides) -> BertEncoder:
    """Returns an encoder of one layer and width 8, random but repeatable."""
    arguments = {
        "vocabulary_size": vocabulary_size,
        "num_layers": 1,
        "num_heads": 2,
        "hidden_dim": 8,
        "intermediate_dim": 16,
        "max_sequence_length": SEQUENCE_LENGTH,
        "initializer_range": 0.2,
    }
    keras.utils.set_random_seed(7)
    return BertEncoder(**{**arguments, **overrides})
