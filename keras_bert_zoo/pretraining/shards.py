"""Example files of a corpus of any size: blocks of documents in, shards out.

A block is some megabytes of consecutive documents; what is made of it depends
on its documents, its number and the seed alone. So any number of processes
gives the same files, and a run that was killed goes on with the blocks that
have none. The random segment of a pair is one of the same block.
"""

import concurrent.futures
import contextlib
import hashlib
import json
import multiprocessing
import os
import pathlib
import shutil
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert_zoo.atomic_io import atomic_file
from keras_bert_zoo.atomic_io import held
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import records
from keras_bert_zoo.pretraining.corpus import tokenize_documents
from keras_bert_zoo.pretraining.documents import Document
from keras_bert_zoo.pretraining.objective import CorpusExamples
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import load_tokenizer

BLOCK_CHARACTERS = 4 * 2**20
MANIFEST = "manifest.json"
# What is done so far, in a directory that is not finished.
_UNFINISHED = ".unfinished"
_BATCH = 4096


class Making(NamedTuple):
    """What decides the examples of a block, beside its documents.

    Attributes:
        tokenizer: `Tokenizer`.
        objective: `MaskedLM`.
        sequence_length: int.
        duplicates: int. How often each block is cut and masked anew.
        seed: int.
    """

    tokenizer: Tokenizer
    objective: MaskedLM
    sequence_length: int
    duplicates: int = 1
    seed: int = 0

    def settings(self) -> dict:
        """Returns the same, JSON-able."""
        return {
            "tokenizer": self.tokenizer.description(),
            "objective": {
                "name": self.objective.name,
                **self.objective.get_config(),
            },
            "sequence_length": self.sequence_length,
            "duplicates": self.duplicates,
            "seed": self.seed,
        }


def blocks(
    documents: Iterable[Document], characters: int = BLOCK_CHARACTERS
) -> Iterator[list[Document]]:
    """Yields consecutive documents, of about so many characters each.

    A block has two documents at least, where there are two.
    """
    block: list[Document] = []
    size = 0
    full: list[Document] = []
    for document in documents:
        block.append(document)
        size += sum(map(len, document.sentences))
        if size >= characters and len(block) > 1:
            if full:
                yield full
            full, block, size = block, [], 0
    if len(block) > 1 and full:
        yield full
        yield block
    elif full or block:
        yield full + block


def examples_of_block(
    making: Making, block: list[Document], number: int
) -> Iterator[dict[str, np.ndarray]]:
    """Yields the examples of a block, shuffled, as arrays of records.

    Args:
        making: `Making`.
        block: the documents.
        number: int. Of the block.
    """
    corpus = tokenize_documents(block, making.tokenizer)
    seeds = np.random.SeedSequence([making.seed, number])
    seed, mask_seed, order_seed = seeds.generate_state(3, "uint64")
    cut = CorpusExamples(
        corpus,
        making.objective,
        making.tokenizer,
        making.sequence_length,
        int(seed >> np.uint64(2)),
    )
    examples = [
        (duplicate, example.values)
        for duplicate in range(making.duplicates)
        for example in cut.of_cut(duplicate)
    ]
    order = np.random.default_rng(order_seed).permutation(len(examples))
    spec = making.objective.example_spec(True)
    for start in range(0, len(order), _BATCH):
        some = [examples[index][1] for index in order[start : start + _BATCH]]
        columns: dict[str, Any] = {}
        for name, (dtype, shape) in spec.items():
            values = [one[name] for one in some]
            if shape:
                columns[name] = tf.RaggedTensor.from_row_lengths(
                    np.concatenate(values).astype(dtype),
                    np.array([len(one) for one in values], "int64"),
                    validate=False,
                )
            else:
                columns[name] = tf.constant(values, dtype)
        columns["random_seed"] = tf.constant(
            [int(mask_seed >> np.uint64(2)), start], tf.int64
        )
        features = making.objective.features(
            columns, making.tokenizer, making.sequence_length
        )
        yield records.to_arrays(
            features, making.objective, making.tokenizer, making.sequence_length
        )


def write_shard(
    making: Making, block: list[Document], number: int, directory: str
) -> dict:
    """Writes the examples of a block into a file, whole or not at all.

    Returns:
        dict of `file`, `num_examples`, `num_documents` and `sha256`.
    """
    name = f"examples-{number:06}.tfrecord"
    path = pathlib.Path(directory) / name
    num_examples = 0
    with atomic_file(path) as temporary:
        with tf.io.TFRecordWriter(str(temporary)) as writer:
            for arrays in examples_of_block(making, block, number):
                for record in records.serialized(arrays):
                    writer.write(record)
                    num_examples += 1
        digest = _sha256(temporary)
    facts = {
        "file": name,
        "num_examples": num_examples,
        "num_documents": len(block),
        "sha256": digest,
    }
    done = pathlib.Path(directory) / _UNFINISHED / f"{name}.json"
    with atomic_file(done) as temporary:
        temporary.write_text(json.dumps(facts), encoding="utf-8")
    return facts


def make_shards(
    making: Making,
    documents: Iterable[Document],
    directory: str | os.PathLike,
    *,
    tokenizer_directory: str | os.PathLike,
    source: Any = None,
    num_processes: int = 1,
    on_progress: Callable[[int], None] | None = None,
) -> dict:
    """Writes the examples of a corpus, or what is missing of them.

    Args:
        making: `Making`.
        documents: streamed; a few blocks are held at a time.
        directory: where to write; one that an earlier call with the same
            arguments left unfinished is finished.
        tokenizer_directory: from which each process loads the tokenizer.
        source: what tells the corpus from others, JSON-able; a run with
            another one does not go on with the directory.
        num_processes: int.
        on_progress: called with the number of documents after each block, or
            `None`.

    Returns:
        The content of `manifest.json`.

    Raises:
        InputError: if the directory holds something else, or no example can
            be made.
        OSError: if the disk is full; what was finished is kept.
    """
    directory = pathlib.Path(directory)
    settings = json.loads(json.dumps({**making.settings(), "source": source}))
    _begin(directory, settings)
    with _alone(directory), _nothing_left(directory):
        # What a killed run was writing.
        for path in directory.glob(".examples-*"):
            path.unlink()
        return _make(
            making,
            documents,
            directory,
            settings,
            str(tokenizer_directory),
            num_processes,
            on_progress,
        )


@contextlib.contextmanager
def _nothing_left(directory: pathlib.Path) -> Iterator[None]:
    """Removes the directory again where nothing was finished."""
    try:
        yield
    except BaseException:
        if not list(directory.glob("examples-*")):
            shutil.rmtree(directory / _UNFINISHED)
            with contextlib.suppress(OSError):
                directory.rmdir()
        raise


@contextlib.contextmanager
def _alone(directory: pathlib.Path) -> Iterator[None]:
    try:
        with held(directory / _UNFINISHED):
            yield
    except BlockingIOError:
        raise InputError(
            f"{directory} is written by one process. Received: another that "
            "is at it. Wait for it, or choose another directory."
        ) from None


def _make(
    making,
    documents,
    directory,
    settings,
    tokenizer_directory,
    num_processes,
    on_progress,
) -> dict:
    unfinished = directory / _UNFINISHED
    shards: dict[int, dict] = {}
    num_documents = 0

    def todo():
        nonlocal num_documents
        for number, block in enumerate(blocks(documents)):
            name = f"examples-{number:06}.tfrecord"
            done = unfinished / f"{name}.json"
            if done.is_file():
                shards[number] = json.loads(done.read_text("utf-8"))
            else:
                yield number, block
            num_documents += len(block)
            if on_progress is not None:
                on_progress(num_documents)

    if num_processes == 1:
        for number, block in todo():
            shards[number] = write_shard(making, block, number, str(directory))
    else:
        arguments = (making._replace(tokenizer=None), tokenizer_directory)
        for number, facts in _in_processes(
            todo(), arguments, str(directory), num_processes
        ):
            shards[number] = facts
    manifest = {
        "format": 1,
        **settings,
        "num_examples": sum(one["num_examples"] for one in shards.values()),
        "num_documents": num_documents,
        "shards": [shards[number] for number in sorted(shards)],
    }
    if not manifest["num_examples"]:
        raise InputError(
            "A corpus must have documents. Received: none. Check the files "
            "and their format."
        )
    with atomic_file(directory / MANIFEST) as temporary:
        text = json.dumps(manifest, indent=2, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    for path in unfinished.iterdir():
        path.unlink()
    unfinished.rmdir()
    return manifest


def read_manifest(directory: str | os.PathLike) -> dict:
    """Returns what a directory of examples says of itself.

    Raises:
        InputError: if there is no manifest, or a file of it is not there.
    """
    path = pathlib.Path(directory) / MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
        files = [path.with_name(one["file"]) for one in manifest["shards"]]
    except FileNotFoundError:
        unfinished = path.with_name(_UNFINISHED).is_dir()
        raise InputError(
            f"{directory} must hold finished examples. Received: "
            + ("unfinished ones" if unfinished else f"no {MANIFEST}")
            + ". Run `bert-zoo make-examples` with that directory"
            + (" again." if unfinished else ", or name the files.")
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} must be what `make-examples` wrote. Received: {error}. "
            "Make the examples again."
        ) from error
    for file in files:
        if not file.is_file():
            raise InputError(
                f"{directory} must hold all of its examples. Received: no "
                f"{file.name}. Copy or make them again."
            )
    return manifest


def _begin(directory: pathlib.Path, settings: dict) -> None:
    """Makes the directory, or checks that it can be gone on with."""
    unfinished = directory / _UNFINISHED
    path = unfinished / "settings.json"
    if path.is_file():
        found = json.loads(path.read_text("utf-8"))
        changed = [key for key in settings if found.get(key) != settings[key]]
        if changed:
            raise InputError(
                f"{directory} holds unfinished examples that were begun in "
                f"the same way. Received: another {', '.join(changed)}. "
                "Choose another directory, or delete that one."
            )
        return
    if directory.exists() and any(directory.iterdir()):
        raise InputError(
            "Examples are written into a directory of their own. Received: "
            f"{directory}, which is not empty. Choose another one."
        )
    unfinished.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(settings), encoding="utf-8")


def _in_processes(
    todo: Iterator[tuple[int, list[Document]]],
    arguments: tuple,
    directory: str,
    num_processes: int,
) -> Iterator[tuple[int, dict]]:
    """Yields the facts on shards, as processes finish them."""
    # Not forked: TensorFlow has threads.
    pool = concurrent.futures.ProcessPoolExecutor(
        num_processes,
        multiprocessing.get_context("spawn"),
        _load_in_process,
        arguments,
    )
    waiting: dict[concurrent.futures.Future, int] = {}

    def finished(some):
        for future in some:
            yield waiting.pop(future), future.result()

    try:
        for number, block in todo:
            future = pool.submit(_write_in_process, block, number, directory)
            waiting[future] = number
            # A block more than there are processes, so that none waits.
            if len(waiting) > num_processes:
                done, _ = concurrent.futures.wait(
                    waiting, return_when=concurrent.futures.FIRST_COMPLETED
                )
                yield from finished(done)
        yield from finished(list(waiting))
    except concurrent.futures.process.BrokenProcessPool as error:
        raise InputError(
            "A process that makes examples ended before it was done: it may "
            "have run out of memory, or was killed. What was finished is "
            "kept: run the same command again, or with fewer processes."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_making: Making | None = None


def _load_in_process(making: Making, tokenizer_directory: str) -> None:
    global _making
    # As many threads in all as there are processes.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    _making = making._replace(tokenizer=load_tokenizer(tokenizer_directory))


def _write_in_process(block, number: int, directory: str) -> dict:
    return write_shard(_making, block, number, directory)


def _sha256(path: pathlib.Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
