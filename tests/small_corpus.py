"""A corpus of a few documents that tests learn from."""

from keras_bert_zoo import testing
from keras_bert_zoo.pretraining.corpus import Corpus
from keras_bert_zoo.pretraining.corpus import tokenize_documents
from keras_bert_zoo.pretraining.documents import Document

WORDS = "the cat dog saw a bird in town and slept".split()


def documents(number=7, sentences=9):
    """Returns documents whose sentences have 1 to 9 words."""
    found = []
    for index in range(number):
        texts = [
            " ".join(
                WORDS[(index + 3 * place + line) % len(WORDS)]
                for place in range(1 + (line + index) % 9)
            )
            for line in range(sentences)
        ]
        found.append(Document(texts, f"small.txt:{index + 1}"))
    return found


def tokenizer():
    return testing.tiny_tokenizer([*WORDS, "unseen"])


def corpus(number=7, sentences=9) -> Corpus:
    return tokenize_documents(documents(number, sentences), tokenizer())
