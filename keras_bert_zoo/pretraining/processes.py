"""The example files of a corpus, made by processes of this machine."""

import concurrent.futures
import contextlib
import multiprocessing
import pickle
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import shards
from keras_bert_zoo.pretraining.documents import Document
from keras_bert_zoo.pretraining.shards import Making


def make_shards(
    making: Making,
    documents: Iterable[Document],
    directory: str,
    *,
    source: Any = None,
    num_processes: int = 1,
    on_progress: Callable[[int], None] | None = None,
) -> dict:
    """Writes the examples of a corpus, or what is missing of them.

    Args:
        making: `Making`.
        documents: of lines, streamed; a few blocks are held at a time.
        directory: where to write; one that an earlier call with the same
            arguments left unfinished is finished.
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
    settings = shards.begin(making, directory, source)
    with shards.unfinished(directory):
        done: list[dict] = []

        def todo():
            num_documents = 0
            for number, block in enumerate(
                shards.blocks(documents, making.block_characters)
            ):
                facts = shards.finished_shard(number, directory)
                if facts is None:
                    yield block, number, directory
                else:
                    done.append(facts)
                num_documents += len(block)
                if on_progress is not None:
                    on_progress(num_documents)

        if num_processes == 1:
            made = (shards.write_shard(making, *block) for block in todo())
        else:
            made = _in_processes(todo(), making, num_processes)
        for facts in made:
            done.append(facts)
        return shards.finish(settings, done, directory)


def _in_processes(
    todo: Iterator[tuple[list[Document], int, str]],
    making: Making,
    num_processes: int,
) -> Iterator[dict]:
    """Yields the facts on shards, as processes finish them."""
    # Not forked: TensorFlow has threads.
    pool = concurrent.futures.ProcessPoolExecutor(
        num_processes,
        multiprocessing.get_context("spawn"),
        _load,
        (pickle.dumps(making),),
    )
    waiting: set[concurrent.futures.Future] = set()
    try:
        for block in todo:
            waiting.add(pool.submit(_write, *block))
            # A block more than there are processes, so that none waits.
            if len(waiting) > num_processes:
                finished, waiting = concurrent.futures.wait(
                    waiting, return_when=concurrent.futures.FIRST_COMPLETED
                )
                yield from (one.result() for one in finished)
        yield from (one.result() for one in waiting)
    except concurrent.futures.process.BrokenProcessPool as error:
        raise InputError(
            "A process that makes examples ended before it was done: it may "
            "have run out of memory, or was killed. What was finished is "
            "kept: run the same command again, or with fewer processes."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_making: Making | None = None


def _load(pickled: bytes) -> None:
    global _making
    # As many threads in all as there are processes. Before the tokenizer,
    # which runs TensorFlow.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    _making = pickle.loads(pickled)


def _write(block, number: int, directory: str) -> dict:
    return shards.write_shard(_making, block, number, directory)
