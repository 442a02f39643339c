"""A tokenized corpus in memory: sentences of documents, as arrays.

Letters: `D` documents, `N` sentences of all of them, `T` tokens.
"""

import dataclasses
import hashlib
import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

import numpy as np

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.documents import Document
from keras_bert_zoo.pretraining.documents import read_documents
from keras_bert_zoo.tokenization import Tokenizer

_BATCH_SENTENCES = 4096


@dataclasses.dataclass(frozen=True)
class Corpus:
    """The tokens of documents.

    Attributes:
        token_ids: uint16 or int32 `(T,)`, without special tokens.
        sentence_splits: int64 `(N + 1,)`. Where each sentence starts.
        document_splits: int64 `(D + 1,)`. The first sentence of each document.
        origins: where each document stands, `D` of them.
    """

    token_ids: np.ndarray
    sentence_splits: np.ndarray
    document_splits: np.ndarray
    origins: Sequence[str]

    @property
    def num_documents(self) -> int:
        return len(self.origins)

    @property
    def num_tokens(self) -> int:
        return len(self.token_ids)

    def token_counts(self) -> np.ndarray:
        """Returns how often each token occurs, int64, by id."""
        return np.bincount(self.token_ids)

    def digest(self) -> str:
        """Returns the digest of all tokens and bounds, 16 hex digits."""
        digest = hashlib.blake2b(digest_size=8)
        for part in (
            self.token_ids.astype("int32"),
            self.sentence_splits,
            self.document_splits,
        ):
            digest.update(part.tobytes())
        return digest.hexdigest()

    def documents(self, chosen: Sequence[int]) -> "Corpus":
        """Returns the corpus of some documents, by number, in that order."""
        ids, sizes, numbers = [], [], []
        for one in chosen:
            first, last = self.document_splits[one : one + 2]
            bounds = self.sentence_splits[first : last + 1]
            ids.append(self.token_ids[bounds[0] : bounds[-1]])
            sizes.append(np.diff(bounds))
            numbers.append(last - first)
        return Corpus(
            np.concatenate([self.token_ids[:0], *ids]),
            _splits(np.concatenate([np.zeros(0, "int64"), *sizes])),
            _splits(np.array(numbers, "int64")),
            [self.origins[one] for one in chosen],
        )

    def held_out(
        self, fraction: float, seed: int, least: int = 1
    ) -> tuple["Corpus", "Corpus"]:
        """Returns the documents to learn from, and others, by chance.

        Args:
            fraction: float in [0, 1). About what the others have of all
                tokens; 0 for no others.
            seed: int.
            least: int. Documents that either part must have.

        Raises:
            InputError: if there are enough documents for one part alone.
        """
        order = np.random.default_rng(seed).permutation(self.num_documents)
        bounds = self.sentence_splits[self.document_splits]
        before = np.cumsum(np.diff(bounds)[order])
        number = 0
        # Of too few, the objective says what it needs.
        if fraction and self.num_documents >= least:
            wanted = fraction * self.num_tokens
            number = max(int(np.searchsorted(before, wanted)) + 1, least)
        if number and self.num_documents - number < least:
            raise InputError(
                f"At least {least} documents must be left to learn from. "
                f"Received: {self.num_documents}, of which {number} are held "
                "out. Give more documents, separated by blank lines, or hold "
                "none out (0)."
            )
        return (
            self.documents(np.sort(order[number:])),
            self.documents(np.sort(order[:number])),
        )


def read_corpus(
    paths: Iterable[str | os.PathLike],
    tokenizer: Tokenizer,
    on_progress: Callable[[int, int], None] | None = None,
    **options,
) -> Corpus:
    """Reads and tokenizes the documents of files.

    Args:
        paths: the files.
        tokenizer: `Tokenizer`.
        on_progress: see `tokenize_documents`.
        **options: see `read_documents`.

    Raises:
        InputError: as these two.
        OSError: if a file cannot be read.
    """
    return tokenize_documents(
        read_documents(paths, **options), tokenizer, on_progress
    )


def tokenize_documents(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    on_progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Tokenizes documents, and drops those without a token.

    Args:
        documents: read once.
        tokenizer: `Tokenizer`.
        on_progress: called now and then with the number of documents and of
            tokens so far, or `None`.

    Raises:
        InputError: if there is no document with a token.
    """
    kind = "uint16" if tokenizer.vocabulary_size <= 2**16 else "int32"
    parts, sizes, numbers, origins = [np.zeros(0, kind)], [], [], []
    num_tokens = 0
    documents = iter(documents)
    while batch := _some(documents):
        texts = [s for document in batch for s in document.sentences]
        tokens = tokenizer.tokenize(texts)
        parts.append(tokens.flat_values.numpy().astype(kind))
        lengths = tokens.row_lengths().numpy()
        ends = np.cumsum([len(document.sentences) for document in batch])
        for document, of_document in zip(
            batch, np.split(lengths, ends[:-1]), strict=True
        ):
            of_document = of_document[of_document > 0]
            if of_document.size:
                sizes.append(of_document)
                numbers.append(len(of_document))
                origins.append(document.origin)
        num_tokens += len(parts[-1])
        if on_progress is not None:
            on_progress(len(origins), num_tokens)
    if not origins:
        raise InputError(
            "A corpus must have at least one document with a token. Received: "
            "none. Check the files and their format."
        )
    return Corpus(
        np.concatenate(parts),
        _splits(np.concatenate(sizes)),
        _splits(np.array(numbers, "int64")),
        origins,
    )


def _some(documents) -> list[Document]:
    """Returns the next documents, of some thousand sentences in all."""
    batch: list[Document] = []
    num_sentences = 0
    for document in documents:
        batch.append(document)
        num_sentences += len(document.sentences)
        if num_sentences >= _BATCH_SENTENCES:
            break
    return batch


def _splits(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype("int64")
