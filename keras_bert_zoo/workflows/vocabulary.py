"""A tokenizer of one's own: the vocabulary is learned from files."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

from keras_bert_zoo import registry
from keras_bert_zoo.atomic_io import atomic_directory
from keras_bert_zoo.atomic_io import check_new_directory
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.workflows import options as option_types
from keras_bert_zoo.workflows.options import Directory
from keras_bert_zoo.workflows.options import Files
from keras_bert_zoo.workflows.options import Positive
from keras_bert_zoo.workflows.options import Texts

# Sentences that the tokenizer and the `tokenizers` library both read.
NUM_COMPARED = 2000


@dataclasses.dataclass(frozen=True)
class VocabularyResult:
    """What was learned.

    Attributes:
        tokenizer: `Tokenizer`.
        directory: path of its files.
        num_tokens: int. Size of the vocabulary.
        num_sentences: int. Sentences that were read.
        num_compared: int. Sentences of which `tokenizers` gives the same ids;
            0 where the tokenizer writes no file that it reads.
    """

    tokenizer: Any = dataclasses.field(repr=False)
    directory: str
    num_tokens: int
    num_sentences: int
    num_compared: int


def train_vocabulary(
    *,
    corpus: Files,
    out: Directory,
    size: Positive = 30522,
    tokenizer: str = "wordpiece",
    cased: bool = False,
    min_frequency: Positive = 2,
    reserved: Texts | None = None,
    document_format: str | None = None,
    text_key: str = "text",
    overwrite: bool = False,
    progress: Any = None,
) -> VocabularyResult:
    """Learns a tokenizer's vocabulary from text files.

    The same files give the same vocabulary. Files of any size are streamed,
    and memory is bounded by the number of different words.

    Args:
        corpus: text files, plain or gzipped, each given once.
        out: directory of the tokenizer.
        size: most tokens of the vocabulary.
        tokenizer: kind of the tokenizer, as registered.
        cased: whether case and accents are kept.
        min_frequency: how often what becomes a token must occur.
        reserved: tokens that are to be there, each given once.
        document_format: blank_lines, lines or jsonl (default: by the
            files' names).
        text_key: key of the text in a JSON object.
        overwrite: whether a tokenizer in the directory may be replaced.

    Args, Python alone:
        progress: `Progress` or `None`. Hears how many sentences were read.

    Returns:
        `VocabularyResult`.

    Raises:
        InputError: if a file is wrong, there are no words, or `size` is too
            small for their characters.

    Example:
        zoo.train_vocabulary(corpus=["corpus.txt"], out="words", size=8192)
    """
    options = option_types.checked(
        option_types.options_of(train_vocabulary), dict(locals())
    )
    check_new_directory(options["out"], options["overwrite"])

    from keras_bert_zoo.pretraining.documents import read_documents

    num_sentences = 0

    def sentences(some: int | None = None) -> Iterator[str]:
        found = (
            sentence
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

    trained = registry.tokenizers.get(tokenizer).trained_on(
        counted(),
        options["size"],
        cased=options["cased"],
        min_frequency=options["min_frequency"],
        reserved=options["reserved"] or (),
    )
    with atomic_directory(options["out"], options["overwrite"]) as temporary:
        trained.save(temporary)
        compared = _compared(trained, temporary, list(sentences(NUM_COMPARED)))
    return VocabularyResult(
        trained,
        options["out"],
        trained.vocabulary_size,
        num_sentences,
        compared,
    )


def _compared(tokenizer, directory, sentences) -> int:
    """Checks ids against those of `tokenizers`, where it reads the files."""
    path = directory / "tokenizer.json"
    if not path.is_file():
        return 0
    import tokenizers

    # Where one is written out in a text, there it is the token itself.
    special = [
        token
        for token, is_plain in zip(
            tokenizer.tokens, tokenizer.maskable_tokens(), strict=True
        )
        if not is_plain
    ]
    sentences = [
        one for one in sentences if not any(token in one for token in special)
    ]
    other = tokenizers.Tokenizer.from_file(str(path))
    expected = other.encode_batch(sentences, add_special_tokens=False)
    received = tokenizer.tokenize(sentences).to_list()
    for sentence, one, ids in zip(sentences, expected, received, strict=True):
        if one.ids != ids:
            raise InputError(
                "The tokenizer and the `tokenizers` library must give the "
                f"same ids. Received: others for {sentence!r:.80}. Report "
                "this, please."
            )
    return len(sentences)
