"""What `pretrain` learns from, and what it is measured on."""

import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np

from keras_bert_zoo import storage
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining.corpus import read_corpus
from keras_bert_zoo.pretraining.objective import CorpusExamples
from keras_bert_zoo.pretraining.objective import Objective
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from keras_bert_zoo.pretraining.records import RecordBatches
from keras_bert_zoo.pretraining.records import RecordFiles
from keras_bert_zoo.pretraining.shards import read_manifest
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.workflows.progress import Progress


class Phase(NamedTuple):
    """A part of a run in which examples have one length.

    Attributes:
        train: `CorpusExamples` or `RecordBatches`.
        held_out: `CorpusExamples` or `None`.
        num_examples: int. Of a pass over what is learned from.
        sequence_length: int. Maximum number of tokens in an example.
        batch_size: int. Examples in a batch.
    """

    train: CorpusExamples | RecordBatches
    held_out: CorpusExamples | None
    num_examples: int
    sequence_length: int
    batch_size: int


class Source(NamedTuple):
    """What a run learns from, and what it is measured on.

    Attributes:
        phases: list of one or two `Phase`s, in their order.
        num_tokens: int, or 0 where examples were made before.
        token_counts: how often each token is learned from.
        facts: name -> number, for the model card.
    """

    phases: list[Phase]
    num_tokens: int
    token_counts: np.ndarray
    facts: dict[str, int]


def read_source(
    options: Mapping[str, Any],
    objective: Objective,
    tokenizer: Tokenizer,
    progress: Progress,
) -> Source:
    """Reads what is learned from, and what is held out."""

    def read(name):
        return read_corpus(
            options[name],
            tokenizer,
            lambda documents, _: progress.on_work(
                f"reading documents of {name}", documents
            ),
            format=options["document_format"],
            split=options["split"],
            text_key=options["text_key"],
        )

    corpora = {}
    if options["corpus"] is not None:
        corpora["train"] = read("corpus")
    if options["validation"] is not None:
        corpora["validation"] = read("validation")
    elif options["hold_out"] and corpora:
        corpora["train"], corpora["validation"] = corpora["train"].held_out(
            options["hold_out"], options["seed"], objective.min_documents
        )
    for name, corpus in corpora.items():
        progress.on_note(
            name,
            f"{corpus.num_documents:,} documents, {corpus.num_tokens:,} tokens",
        )
    facts = {
        f"{name} {what}": getattr(corpus, f"num_{what}")
        for name, corpus in corpora.items()
        for what in ("documents", "tokens")
    }
    sizes = [(options["sequence_length"], options["batch_size"], "examples")]
    if (length := options["long_sequence_length"]) is not None:
        as_many = options["batch_size"] * options["sequence_length"] // length
        sizes.append(
            (
                length,
                options["long_batch_size"] or max(as_many, 1),
                "long_examples",
            )
        )
    counts = None
    phases = []
    for length, batch_size, name in sizes:
        examples = {
            name: CorpusExamples(
                corpus, objective, tokenizer, length, options["seed"]
            )
            for name, corpus in corpora.items()
        }
        held_out = examples.get("validation")
        train = examples.get("train")
        if train is not None:
            num_examples = len(train)
            counts = train.corpus.token_counts()
        else:
            files = _files(options[name], length, objective, tokenizer)
            num_examples = files.num_examples
            facts = {f"train {name}".replace("_", " "): num_examples, **facts}
            progress.on_note(
                "examples",
                f"{num_examples:,} of {length} tokens, in "
                f"{len(files.paths):,} files",
            )
            train = files.batches(
                batch_size,
                seed=options["seed"],
                fixed_shapes=options["strategy"] == "tpu",
            )
            counts = files.token_counts if counts is None else counts
        phases.append(Phase(train, held_out, num_examples, length, batch_size))
    num_tokens = corpora["train"].num_tokens if "train" in corpora else 0
    return Source(phases, num_tokens, counts, facts)


def _files(
    given_paths: Sequence[str],
    sequence_length: int,
    objective: Objective,
    tokenizer: Tokenizer,
) -> RecordFiles:
    """Returns the files of examples, once they are known to fit.

    Raises:
        InputError: if they were made by another objective or vocabulary, or
            have another length than `sequence_length`.
    """
    if not isinstance(objective, MaskedLM):
        raise InputError(
            "Examples in files are those of the objective masked_lm. "
            f"Received: objective={objective.name}. Give a corpus."
        )
    paths: list[str] = []
    # How many examples files were made with, and those that are as made.
    made: dict[str, int] = {}
    known: dict[str, int] = {}
    for given in given_paths:
        shards = _shards(given, objective, tokenizer)
        paths += shards or [given]
        made |= {path: one["num_examples"] for path, one in shards.items()}
        sizes = storage.files_of(given).sizes(list(shards))
        for (path, one), size in zip(shards.items(), sizes, strict=True):
            if size == one["num_bytes"]:
                known[path] = made[path]
    examples = RecordFiles(paths, objective, tokenizer, known)
    for path, number in made.items():
        if examples.counts[path] != number:
            raise InputError(
                f"{path} must have the {number} examples of its manifest. "
                f"Received: {examples.counts[path]}. Copy or make it again."
            )
    if examples.sequence_length != sequence_length:
        raise InputError(
            "Examples must have as many tokens as the model reads. Received: "
            f"{paths[0]}, with examples of {examples.sequence_length} tokens, "
            f"and a sequence length of {sequence_length}. Give that of the "
            "examples, or make others."
        )
    return examples


def _shards(
    given: str, objective: MaskedLM, tokenizer: Tokenizer
) -> dict[str, dict]:
    """Returns path -> facts of the files given that have a manifest.

    A single file has one if it lies where it was made.
    """
    files = storage.files_of(given)
    is_directory = files.is_directory(given)
    directory = given if is_directory else files.parent(given)
    try:
        manifest = read_manifest(directory)
    except InputError:
        if is_directory:
            raise
        return {}
    shards = {
        files.join(directory, one["file"]): one for one in manifest["shards"]
    }
    if not is_directory:
        found = shards.get(files.join(directory, os.path.basename(given)))
        shards = {given: found} if found else {}
    if shards:
        _check_manifest(manifest, given, objective, tokenizer)
    return shards


def _check_manifest(manifest, given, objective, tokenizer) -> None:
    made_with = manifest["tokenizer"]["vocabulary_sha256"]
    if made_with != tokenizer.vocabulary_sha256:
        raise InputError(
            f"The vocabulary must be the one that {given} was made with. "
            "Received: another. Give that one as `vocabulary`, or make the "
            "examples again."
        )
    made = manifest["objective"]
    for name, value in objective.get_config().items():
        if made.get(name, value) == value:
            continue
        raise InputError(
            f"{given} was made with {name}={made[name]}. Received: {name}="
            f"{value}. Give the same."
        )
