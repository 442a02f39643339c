"""Example files of a corpus of any size: blocks of documents in, shards out.

A block is some megabytes of consecutive documents; what is made of it depends
on its documents, its number and the seed alone. So any number of processes
(`processes`) or of Beam's workers (`beam`) gives the same files, and a run that
was killed goes on with the blocks that have none. The random segment of a pair
is one of the same block.
"""

import contextlib
import json
import os
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_bert_zoo import storage
from keras_bert_zoo.atomic_io import sha256_of
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import records
from keras_bert_zoo.pretraining.corpus import tokenize_documents
from keras_bert_zoo.pretraining.documents import Document
from keras_bert_zoo.pretraining.documents import in_sentences
from keras_bert_zoo.pretraining.objective import CorpusExamples
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from keras_bert_zoo.tokenization import Tokenizer

BLOCK_CHARACTERS = 4 * 2**20
MANIFEST = "manifest.json"
# What is done so far, in a directory that is not finished.
_UNFINISHED = ".unfinished"
_SETTINGS = "settings.json"
_BATCH = 4096


class Making(NamedTuple):
    """What decides the examples of a block, beside its documents.

    It is pickled with the tokenizer's configuration in place of its engine.

    Attributes:
        tokenizer: `Tokenizer`.
        objective: `MaskedLM`.
        sequence_length: int.
        duplicates: int. How often each block is cut and masked anew.
        seed: int.
        split: str. Whether lines are split into "sentences", which takes
            longer than to read them, or are some ("lines").
        block_characters: int. About what the documents of a block have.
    """

    tokenizer: Tokenizer
    objective: MaskedLM
    sequence_length: int
    duplicates: int = 1
    seed: int = 0
    split: str = "sentences"
    block_characters: int = BLOCK_CHARACTERS

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
            "split": self.split,
            "block_characters": self.block_characters,
        }

    def __reduce__(self):
        tokenizer, *others = self
        return _with_tokenizer, (
            type(tokenizer),
            tokenizer.get_config(),
            others,
        )


def _with_tokenizer(kind, config, others) -> Making:
    return Making(kind.from_config(config), *others)


def blocks(
    documents: Iterable[Document], characters: int
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
        block: the documents, of lines.
        number: int. Of the block.
    """
    documents = (in_sentences(one, making.split) for one in block)
    corpus = tokenize_documents(documents, making.tokenizer)
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

    Args:
        making: `Making`.
        block: the documents, of lines.
        number: int. Of the block.
        directory: one that `begin` made.

    Returns:
        dict of `file`, `num_examples`, `num_documents`, `num_bytes` and
        `sha256`.

    Raises:
        InputError: if no example can be cut from the block.
        OSError: if the file cannot be written.
    """
    files = storage.files_of(directory)
    name = _name(number)
    path = files.join(directory, name)
    num_examples = 0
    with files.atomic_file(path) as temporary:
        writer = tf.io.TFRecordWriter(str(temporary))
        for arrays in examples_of_block(making, block, number):
            for record in records.serialized(arrays):
                with storage.os_errors(path):
                    writer.write(record)
                num_examples += 1
        with storage.os_errors(path):
            writer.close()
        num_bytes = temporary.stat().st_size
        digest = sha256_of(temporary)
    facts = {
        "file": name,
        "num_examples": num_examples,
        "num_documents": len(block),
        "num_bytes": num_bytes,
        "sha256": digest,
    }
    _write_json(files, _facts_path(files, directory, number), facts)
    return facts


def finished_shard(number: int, directory: str) -> dict | None:
    """Returns what `write_shard` returned for a block, if it is done."""
    files = storage.files_of(directory)
    path = _facts_path(files, directory, number)
    return _read_json(files, path) if files.is_file(path) else None


def begin(making: Making, directory: str, source: Any) -> dict:
    """Makes a directory for shards, or checks that it can be gone on with.

    Args:
        making: `Making`.
        directory: a path or URL.
        source: what tells the corpus from others, JSON-able.

    Returns:
        The settings that decide the shards, for the manifest.

    Raises:
        InputError: if the directory holds something else.
    """
    files = storage.files_of(directory)
    settings = json.loads(json.dumps({**making.settings(), "source": source}))
    path = files.join(directory, _UNFINISHED, _SETTINGS)
    if not files.is_file(path):
        if files.is_file(directory) or files.names(directory):
            raise InputError(
                "Examples are written into a directory of their own. Received: "
                f"{directory}, which is not empty. Choose another one."
            )
        files.make_directory(files.parent(path))
        _write_json(files, path, settings)
        return settings
    found = _read_json(files, path)
    changed = [key for key in settings if found.get(key) != settings[key]]
    if changed:
        raise InputError(
            f"{directory} holds unfinished examples that were begun in "
            f"the same way. Received: another {', '.join(changed)}. "
            "Choose another directory, or delete that one."
        )
    return settings


def finish(settings: dict, shards: Sequence[dict], directory: str) -> dict:
    """Writes the manifest of a directory whose shards are all written.

    Args:
        settings: what `begin` returned.
        shards: what `write_shard` returned, in any order.
        directory: of the shards.

    Returns:
        The content of `manifest.json`.

    Raises:
        InputError: if there are no shards.
    """
    if not shards:
        raise InputError(
            "A corpus must have documents. Received: none. Check the files "
            "and their format."
        )
    files = storage.files_of(directory)
    manifest = {
        "format": 1,
        **settings,
        "num_examples": sum(one["num_examples"] for one in shards),
        "num_documents": sum(one["num_documents"] for one in shards),
        "shards": sorted(shards, key=lambda one: one["file"]),
    }
    _write_json(files, files.join(directory, MANIFEST), manifest)
    files.remove_directory(files.join(directory, _UNFINISHED))
    return manifest


@contextlib.contextmanager
def unfinished(directory: str) -> Iterator[None]:
    """Keeps a directory that `begin` made, from other processes too.

    What a killed run was writing is removed at the beginning. If the block
    raises, finished shards stay; where there are none, the directory goes.

    Raises:
        InputError: if another process of this machine is at it.
    """
    files = storage.files_of(directory)
    inside = files.join(directory, _UNFINISHED)
    try:
        with files.held(inside):
            for name in files.names(directory):
                if name.startswith(".examples-"):
                    files.remove(files.join(directory, name))
            yield
    except BlockingIOError:
        raise InputError(
            f"{directory} is written by one process. Received: another that "
            "is at it. Wait for it, or choose another directory."
        ) from None
    except BaseException:
        names = files.names(directory)
        if not any(name.startswith("examples-") for name in names):
            files.remove_directory(inside)
            if names == [_UNFINISHED]:
                files.remove_directory(directory)
        raise


def read_manifest(directory: str | os.PathLike) -> dict:
    """Returns what a directory of examples says of itself.

    Raises:
        InputError: if there is no manifest, or a file of it is not there.
    """
    directory = os.fspath(directory)
    files = storage.files_of(directory)
    path = files.join(directory, MANIFEST)
    names = files.names(directory)
    if MANIFEST not in names:
        found = "unfinished ones" if _UNFINISHED in names else f"no {MANIFEST}"
        raise InputError(
            f"{directory} must hold finished examples. Received: {found}. Run "
            "`bert-zoo make-examples` with that directory"
            + (" again." if _UNFINISHED in names else ", or name the files.")
        )
    try:
        manifest = _read_json(files, path)
        sizes = {
            one["file"]: (one["num_bytes"], one["num_examples"])
            for one in manifest["shards"]
        }
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} must be what `make-examples` wrote. Received: {error}. "
            "Make the examples again."
        ) from error
    if missing := sizes.keys() - {*names}:
        raise InputError(
            f"{directory} must hold all of its examples. Received: no "
            f"{min(missing)}. Copy or make them again."
        )
    return manifest


def _name(number: int) -> str:
    return f"examples-{number:06}.tfrecord"


def _facts_path(files, directory: str, number: int) -> str:
    return files.join(directory, _UNFINISHED, f"{_name(number)}.json")


def _read_json(files, path: str) -> dict:
    with files.open(path) as stream:
        return json.loads(stream.readall())


def _write_json(files, path: str, content: dict) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    with files.atomic_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")
