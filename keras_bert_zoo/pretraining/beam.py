"""The example files of a corpus, made by the workers of Apache Beam.

    the corpus -> blocks of documents, numbered     one worker, in order
               -> each block on whichever worker is free (`Reshuffle`)
               -> its shard, written there
               -> manifest.json                     one worker, at the end

A block and its number decide its shard (`shards`). So neither the runner nor
the number of its workers changes a byte, and a block that a runner makes twice,
after a failure or to be sooner done, is written twice alike.
"""

import contextlib
import logging
import re
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import shards
from keras_bert_zoo.pretraining.documents import Document
from keras_bert_zoo.pretraining.shards import Making

# The last line of a traceback, to which Beam adds a step of the pipeline.
_ERROR = re.compile(
    r"^(?:RuntimeError: )?(?:[\w.]+\.)?(\w+Error): "
    r"(.*?)(?: \[while running .*)?$",
    re.MULTILINE,
)
_OS_ERROR = re.compile(r"\[Errno (\d+)\] (.*): '(.*)'")


def make_shards(
    making: Making,
    documents: Callable[[], Iterable[Document]],
    directory: str,
    *,
    source: Any = None,
    runner: str = "DirectRunner",
    options: Sequence[str] = (),
) -> dict:
    """Writes the examples of a corpus, or what is missing of them.

    Args:
        making: `Making`.
        documents: function that yields documents of lines, picklable, called
            on a worker.
        directory: where to write; all workers must reach it.
        source: as in `processes.make_shards`.
        runner: str. Name of a runner of Beam.
        options: flags of the pipeline, such as `--project=my-project`.

    Returns:
        The content of `manifest.json`.

    Raises:
        InputError: as `processes.make_shards`, or if Beam has no such runner,
            or the runner lacks an option.
        OSError: if a worker cannot read or write; what was finished is kept.
    """
    pipeline = _pipeline(runner, options)
    settings = shards.begin(making, directory, source)
    with shards.unfinished(directory), _errors_of_workers(), pipeline:
        _ = (
            pipeline
            | "Corpus" >> beam.Create([documents])
            | "Blocks" >> beam.FlatMap(_blocks, making.block_characters)
            | "To all workers" >> beam.Reshuffle()
            | "Shards" >> beam.ParDo(_WriteShard(making, directory))
            | "All of them" >> beam.combiners.ToList()
            | "Manifest" >> beam.Map(_finish, settings, directory)
        )
    return shards.read_manifest(directory)


def _pipeline(runner: str, options: Sequence[str]) -> beam.Pipeline:
    try:
        return beam.Pipeline(runner, options=PipelineOptions(list(options)))
    except ValueError as error:
        raise InputError(
            "A runner must be one of Beam's, with the options that it needs. "
            f"Received: runner={runner}, options={' '.join(options)!r}: "
            f"{error}"
        ) from error


def _blocks(
    documents: Callable[[], Iterable[Document]], characters: int
) -> Iterator[tuple[int, list[Document]]]:
    return enumerate(shards.blocks(documents(), characters))


class _WriteShard(beam.DoFn):
    """Writes the shard of a block, unless an earlier run has."""

    def __init__(self, making: Making, directory: str):
        self._making = making
        self._directory = directory

    def process(self, numbered: tuple[int, list[Document]]) -> Iterator[dict]:
        number, block = numbered
        yield shards.finished_shard(
            number, self._directory
        ) or shards.write_shard(self._making, block, number, self._directory)


def _finish(found: list[dict], settings: dict, directory: str) -> None:
    shards.finish(settings, found, directory)


@contextlib.contextmanager
def _errors_of_workers() -> Iterator[None]:
    """Raises what a worker raised, which most runners give as a text."""
    logger = logging.getLogger("apache_beam.runners.common")
    level = logger.level
    # Would write the same error as a traceback.
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    except Exception as error:
        lines = _ERROR.findall(f"{type(error).__name__}: {error}")
        name, message = lines[-1] if lines else ("", "")
        if name == "InputError":
            raise InputError(message) from error
        if found := _OS_ERROR.fullmatch(message):
            number, reason, path = found.groups()
            raise OSError(int(number), reason, path) from error
        raise
    finally:
        logger.setLevel(level)
