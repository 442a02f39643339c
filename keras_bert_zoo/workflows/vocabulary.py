"""A vocabulary of one's own, learned from files."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

from keras_bert_zoo import registry
from keras_bert_zoo.arguments import Directory
from keras_bert_zoo.arguments import Files
from keras_bert_zoo.arguments import Positive
from keras_bert_zoo.arguments import Texts
from keras_bert_zoo.atomic_io import atomic_directory
from keras_bert_zoo.atomic_io import check_new_directory
from keras_bert_zoo.workflows import options as workflow_options

# Sentences whose ids all tokenizers of the vocabulary must agree on.
NUM_COMPARED = 2000


@dataclasses.dataclass(frozen=True)
class VocabularyResult:
    """What was learned.

    Attributes:
        kind: str. The kind of vocabulary.
        directory: path of its files.
        num_tokens: int. Size of the vocabulary.
        num_sentences: int. Sentences that were read.
        num_compared: int. Sentences to which every tokenizer that reads the
            files gives the same ids.
    """

    kind: str
    directory: str
    num_tokens: int
    num_sentences: int
    num_compared: int


def train_vocabulary(
    *,
    corpus: Files,
    out: Directory,
    size: Positive = 30522,
    kind: str = "wordpiece",
    cased: bool | None = None,
    min_frequency: Positive = 2,
    reserved: Texts | None = None,
    document_format: str | None = None,
    text_key: str = "text",
    overwrite: bool = False,
    progress: Any = None,
) -> VocabularyResult:
    """Learns a vocabulary from text files, and writes the family's own files.

    The same files give the same vocabulary. Files of any size are streamed, and
    memory is bounded by the number of different words. Every tokenizer that can
    read the files does, and the ids are compared.

    Args:
        corpus: text files, plain or gzipped, or directories of some; for
            several, several times.
        out: directory of the vocabulary.
        size: maximum size of the vocabulary.
        kind: wordpiece (BERT's), byte_bpe (RoBERTa's), unigram (ALBERT's), or
            another registered one. Encoders here read wordpiece.
        cased: whether case and accents are kept (default: of byte_bpe alone).
        min_frequency: how often a token must occur in the corpus, at least.
        reserved: tokens to include; may be given many times.
        document_format: blank_lines, lines or jsonl (default: by the
            files' names).
        text_key: key of the text in a JSON object.
        overwrite: whether a vocabulary in the directory may be replaced.

    Args, Python alone:
        progress: `Progress` or `None`. Hears how many sentences were read.

    Returns:
        `VocabularyResult`.

    Raises:
        InputError: if a file is wrong, there are no words, `size` is too
            small for their characters, or the kind is unknown.

    Example:
        zoo.train_vocabulary(corpus=["corpus.txt"], out="words", size=8192)
    """
    options = workflow_options.checked(train_vocabulary, locals())
    check_new_directory(options["out"], options["overwrite"])

    from keras_bert_zoo.pretraining.documents import read_documents

    num_sentences = 0

    def sentences(some: int | None = None) -> Iterator[str]:
        # JSON may hold halves of surrogate pairs, which UTF-8 does not.
        found = (
            sentence.encode("utf-8", "replace").decode("utf-8")
            for document in read_documents(
                options["corpus"], document_format, text_key=text_key
            )
            for sentence in document.sentences
        )
        return itertools.islice(found, some)

    def counted() -> Iterator[str]:
        nonlocal num_sentences
        for sentence in sentences():
            num_sentences += 1
            if num_sentences % 1000 == 0 and progress is not None:
                progress.on_work("sentences", num_sentences)
            yield sentence

    trained = registry.vocabularies.get(kind).trained_on(
        counted(),
        options["size"],
        cased=options["cased"],
        min_frequency=options["min_frequency"],
        reserved=options["reserved"] or (),
    )
    with atomic_directory(options["out"], options["overwrite"]) as temporary:
        trained.save(temporary)
        compared = trained.check_saved(temporary, list(sentences(NUM_COMPARED)))
    return VocabularyResult(
        kind, options["out"], trained.num_tokens, num_sentences, compared
    )
