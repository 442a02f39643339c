"""Examples of a corpus of any size, as files that pre-training reads."""

from __future__ import annotations

import dataclasses
import os
from typing import Any
from typing import Literal

from keras_bert_zoo import storage
from keras_bert_zoo.workflows import options as option_types
from keras_bert_zoo.workflows.options import Directory
from keras_bert_zoo.workflows.options import Files
from keras_bert_zoo.workflows.options import FractionAboveZero
from keras_bert_zoo.workflows.options import Positive
from keras_bert_zoo.workflows.options import Seed


@dataclasses.dataclass(frozen=True)
class MakeExamplesResult:
    """What was written.

    Attributes:
        directory: path of the files.
        num_documents, num_examples, num_files: int.
    """

    directory: str
    num_documents: int
    num_examples: int
    num_files: int


def make_examples(
    *,
    corpus: Files,
    vocabulary: Directory,
    out: Directory,
    pairs: Literal["none", "next_sentence", "sentence_order"] = "next_sentence",
    mask_rate: FractionAboveZero = 0.15,
    hide: Literal["tokens", "words", "spans"] = "tokens",
    sequence_length: Positive = 128,
    duplicates: Positive = 1,
    processes: Positive = 1,
    seed: Seed = 0,
    document_format: str | None = None,
    split: Literal["sentences", "lines"] = "sentences",
    text_key: str = "text",
    progress: Any = None,
) -> MakeExamplesResult:
    """Cuts a corpus into examples, hides tokens, and writes TFRecords.

    The files have the keys of google-research/bert and tf-models-official.
    Documents are streamed, a few megabytes at a time; the same corpus, options
    and seed give the same files, however many processes there are. A run that
    was killed goes on when it is started again.

    Args:
        corpus: as in `pretrain`.
        vocabulary: as in `pretrain`.
        out: directory of the files.
        pairs: what two segments of an example are, or none.
        mask_rate: fraction of tokens to hide.
        hide: what is hidden at a time.
        sequence_length: as in `pretrain`.
        duplicates: how often the corpus is cut and masked anew.
        processes: how many work at a time.
        seed: of what is cut and hidden.
        document_format: as in `pretrain`.
        split: as in `pretrain`.
        text_key: as in `pretrain`.

    Args, Python alone:
        progress: `Progress` or `None`. Hears how many documents are done.

    Returns:
        `MakeExamplesResult`.

    Raises:
        InputError: if an option or a file breaks a rule.
        OSError: if the disk is full; what was finished is kept.

    Example:
        zoo.make_examples(
            corpus=["corpus.txt"], vocabulary="words", out="corpus_files"
        )
    """
    options = option_types.checked(
        option_types.options_of(make_examples), dict(locals())
    )

    from keras_bert_zoo.pretraining import processes
    from keras_bert_zoo.pretraining.documents import read_documents
    from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
    from keras_bert_zoo.pretraining.shards import Making
    from keras_bert_zoo.tokenization import load_tokenizer

    making = Making(
        load_tokenizer(options["vocabulary"]),
        MaskedLM(options["pairs"], options["mask_rate"], options["hide"]),
        options["sequence_length"],
        options["duplicates"],
        options["seed"],
    )
    source = [
        [os.path.basename(path), storage.files_of(path).size(path)]
        for path in options["corpus"]
    ]
    manifest = processes.make_shards(
        making,
        read_documents(
            options["corpus"],
            options["document_format"],
            options["split"],
            options["text_key"],
        ),
        options["out"],
        source=source,
        num_processes=options["processes"],
        on_progress=None
        if progress is None
        else lambda number: progress.on_work("documents", number),
    )
    return MakeExamplesResult(
        options["out"],
        manifest["num_documents"],
        manifest["num_examples"],
        len(manifest["shards"]),
    )
