"""Examples of a corpus of any size, as files that pre-training reads."""

from __future__ import annotations

import dataclasses
import functools
import os
import shlex
from types import ModuleType
from typing import Any
from typing import Literal

from keras_bert_zoo import storage
from keras_bert_zoo.arguments import Directory
from keras_bert_zoo.arguments import Files
from keras_bert_zoo.arguments import FractionAboveZero
from keras_bert_zoo.arguments import Positive
from keras_bert_zoo.arguments import Seed
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.workflows import options as workflow_options


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
    mask_unit: Literal["tokens", "words", "spans"] = "tokens",
    sequence_length: Positive = 128,
    duplicates: Positive = 1,
    processes: Positive = 1,
    seed: Seed = 0,
    document_format: str | None = None,
    split: Literal["sentences", "lines"] = "sentences",
    text_key: str = "text",
    runner: str | None = None,
    beam_options: str | None = None,
    progress: Any = None,
) -> MakeExamplesResult:
    """Cuts a corpus into examples, masks tokens, and writes TFRecords.

    The files have the keys of google-research/bert and tf-models-official.
    Documents are streamed, a few megabytes at a time; the same corpus, options
    and seed give the same files, however many processes or workers of Apache
    Beam there are. A run that was killed goes on when it is started again.
    Paths may be URLs, such as `gs://bucket/corpus.txt`.

    Args:
        corpus: as in `pretrain`.
        vocabulary: as in `pretrain`.
        out: directory of the files, a path or URL.
        pairs: examples are pairs of segments: next_sentence, half of them from
            another document; sentence_order, half of them swapped; or none,
            single segments.
        mask_rate: fraction of tokens to mask.
        mask_unit: what is masked at a time: single tokens, whole words, or
            spans of 1 to 10 words.
        sequence_length: as in `pretrain`.
        duplicates: passes over the corpus, each cut and masked anew.
        processes: number of worker processes on this machine.
        seed: of what is cut and masked.
        document_format: as in `pretrain`.
        split: as in `pretrain`.
        text_key: as in `pretrain`.

    Args, Apache Beam:
        runner: DirectRunner, FlinkRunner, SparkRunner, DataflowRunner or
            another, in place of processes here (default: none).
        beam_options: flags of the pipeline, in one text, as in
            --beam-options="--project=my-project --region=europe-west1".

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
    options = workflow_options.checked(make_examples, locals())

    if options["runner"] is None and options["beam_options"] is not None:
        raise InputError(
            "The options of Beam are for a runner. Received: beam_options="
            f"{options['beam_options']!r:.60}, and no runner. Name one, or "
            "leave them out."
        )
    if options["runner"] is not None and options["processes"] != 1:
        raise InputError(
            "A runner has workers in place of processes. Received: "
            f"runner={options['runner']}, processes={options['processes']}. "
            "Leave one out; beam_options say how many workers there are."
        )

    try:
        beam_options = shlex.split(options["beam_options"] or "")
    except ValueError as error:
        raise InputError(
            "`beam_options` must be flags as a shell reads them. Received: "
            f"{options['beam_options']!r:.60} ({error}). Close the quotes."
        ) from error

    from keras_bert_zoo.pretraining import processes
    from keras_bert_zoo.pretraining.documents import files_in
    from keras_bert_zoo.pretraining.documents import read_documents
    from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
    from keras_bert_zoo.pretraining.shards import Making
    from keras_bert_zoo.tokenization import load_tokenizer

    making = Making(
        load_tokenizer(options["vocabulary"]),
        MaskedLM(options["pairs"], options["mask_rate"], options["mask_unit"]),
        options["sequence_length"],
        options["duplicates"],
        options["seed"],
        options["split"],
    )
    documents = functools.partial(
        read_documents,
        options["corpus"],
        options["document_format"],
        # Sentences are told apart where examples are made of them.
        split="lines",
        text_key=options["text_key"],
    )
    source = {
        "files": [
            [os.path.basename(path), storage.files_of(path).size(path)]
            for path in files_in(options["corpus"])
        ],
        "document_format": options["document_format"],
        "text_key": options["text_key"],
    }
    if options["runner"] is not None:
        manifest = _beam().make_shards(
            making,
            documents,
            options["out"],
            source=source,
            runner=options["runner"],
            options=beam_options,
        )
    else:
        manifest = processes.make_shards(
            making,
            documents(),
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


def _beam() -> ModuleType:
    try:
        from keras_bert_zoo.pretraining import beam
    except ImportError as error:
        raise InputError(
            "A runner needs Apache Beam. Received: an environment without "
            f"it ({error}). Install it: pip install 'keras-bert-zoo[beam]'"
        ) from error
    return beam
