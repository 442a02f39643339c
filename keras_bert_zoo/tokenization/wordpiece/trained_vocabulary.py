"""A WordPiece vocabulary that is learned, in the files of BERT's."""

import os
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

from keras_bert_zoo.tokenization.trained_vocabulary import TrainedVocabulary
from keras_bert_zoo.tokenization.wordpiece.python_tokenizer import (
    PythonTokenizer,
)
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer
from keras_bert_zoo.tokenization.wordpiece.training import count_words
from keras_bert_zoo.tokenization.wordpiece.training import train_vocabulary


class WordPieceVocabulary(TrainedVocabulary):
    """Words and parts of words, as in BERT.

    Args:
        tokenizer: `BertTokenizer` of the vocabulary.
    """

    def __init__(self, tokenizer: BertTokenizer):
        self.tokenizer = tokenizer

    @classmethod
    def trained_on(
        cls,
        texts: Iterable[str],
        size: int,
        *,
        cased: bool | None = None,
        min_frequency: int = 2,
        reserved: Sequence[str] = (),
    ) -> "WordPieceVocabulary":
        lowercase = not cased
        vocabulary = train_vocabulary(
            count_words(texts, lowercase),
            size,
            min_frequency=min_frequency,
            reserved=reserved,
        )
        return cls(BertTokenizer(vocabulary, lowercase))

    @classmethod
    def recognizes(cls, directory: pathlib.Path) -> bool:
        return BertTokenizer.recognizes(directory)

    @property
    def num_tokens(self) -> int:
        return self.tokenizer.vocabulary_size

    def save(self, directory: str | os.PathLike) -> None:
        """Writes `vocab.txt`, `tokenizer.json`, and a config."""
        self.tokenizer.save(directory)

    def encoded(
        self, directory: pathlib.Path, sentences: Sequence[str]
    ) -> Iterator[tuple[str, Sequence[Sequence[int]]]]:
        """Yields the ids of the three tokenizers: Python, graph, fastest."""
        tokenizer = BertTokenizer.load(directory)
        python = PythonTokenizer(
            tokenizer.vocabulary, tokenizer.lowercase, tokenizer.strip_accents
        )
        yield (
            "the tokenizer in Python",
            [[token.id for token in python.tokenize(one)] for one in sentences],
        )
        for engine in ("graph", "auto"):
            ids = tokenizer.with_engine(engine).tokenize(sentences)
            yield f"the engine {engine}", ids.to_list()
