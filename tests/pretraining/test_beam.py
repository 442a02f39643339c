"""Example files made by Apache Beam: those of this machine's processes.

`make test-peers` runs this in an environment of its own, `.venv-beam`.
"""

import functools
import hashlib
import os
import pathlib
import re
import shlex
import uuid

import pytest
import small_corpus

from keras_bert_zoo import storage
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import processes
from keras_bert_zoo.pretraining import shards
from keras_bert_zoo.pretraining.documents import read_documents
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from keras_bert_zoo.pretraining.shards import Making

pytest.importorskip("apache_beam", reason="needs the extra `beam`")

from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402

from keras_bert_zoo.pretraining import beam  # noqa: E402

SOURCE = ["corpus.txt", 1]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    texts = ["\n".join(one.sentences) for one in small_corpus.documents(12)]
    path.write_text("\n\n".join(texts))
    return functools.partial(read_documents, [str(path)])


def making():
    tokenizer = small_corpus.tokenizer()
    return Making(tokenizer, MaskedLM(), 20, block_characters=400)


def digests(directory):
    files = storage.files_of(directory)
    return {
        name: hashlib.sha256(
            files.open(files.join(directory, name)).readall()
        ).hexdigest()
        for name in files.names(directory)
    }


@pytest.fixture
def expected(corpus, tmp_path):
    """Digests of the files that one process makes."""
    directory = str(tmp_path / "expected")
    processes.make_shards(making(), corpus(), directory, source=SOURCE)
    assert len(os.listdir(directory)) > 4
    return digests(directory)


@pytest.mark.parametrize("url", ["", "ram://"])
def test_files_are_those_of_a_process(url, corpus, expected, tmp_path):
    directory = f"{url}{uuid.uuid4().hex}" if url else str(tmp_path / "out")
    manifest = beam.make_shards(making(), corpus, directory, source=SOURCE)
    assert digests(directory) == expected
    assert manifest == shards.read_manifest(directory)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 3])
def test_any_number_of_workers_makes_the_same_files(
    number, corpus, expected, tmp_path
):
    beam.make_shards(
        making(),
        corpus,
        str(tmp_path / "out"),
        source=SOURCE,
        options=[
            "--direct_running_mode=multi_processing",
            f"--direct_num_workers={number}",
        ],
    )
    assert digests(str(tmp_path / "out")) == expected


def test_what_is_finished_is_kept(corpus, expected, tmp_path, monkeypatch):
    write = shards.write_shard
    is_full = True
    written = []

    def write_until_full(making, block, number, directory):
        if is_full and number == 2:
            raise OSError(28, "No space left on device", directory)
        written.append(number)
        return write(making, block, number, directory)

    monkeypatch.setattr(shards, "write_shard", write_until_full)
    out = str(tmp_path / "out")
    with pytest.raises(OSError, match="No space") as found:
        beam.make_shards(making(), corpus, out, source=SOURCE)
    assert (found.value.errno, found.value.filename) == (28, out)
    # DirectRunner writes them in no particular order.
    assert set(os.listdir(out)) == {
        ".unfinished",
        *(f"examples-{number:06}.tfrecord" for number in written),
    }
    is_full = False
    beam.make_shards(making(), corpus, out, source=SOURCE)
    assert sorted(written) == list(range(len(expected) - 1))
    assert digests(out) == expected


def test_the_protocol_of_other_runners_makes_the_same_files(
    corpus, expected, tmp_path
):
    """That of Flink and Spark, with a job server in this process."""
    beam.make_shards(
        making(),
        corpus,
        str(tmp_path / "out"),
        source=SOURCE,
        runner="PortableRunner",
        options=["--job_endpoint=embed", "--environment_type=LOOPBACK"],
    )
    assert digests(str(tmp_path / "out")) == expected


@pytest.mark.parametrize(
    ("runner", "message"),
    [("NoRunner", "FlinkRunner"), ("DataflowRunner", "Project ID")],
)
def test_a_runner_is_one_of_beams_with_its_options(
    runner, message, corpus, tmp_path
):
    with pytest.raises(InputError, match=f"runner={runner}(.|\n)*{message}"):
        beam.make_shards(
            making(),
            corpus,
            str(tmp_path / "o"),
            runner=runner,
            options=["--project=p"],
        )
    assert not (tmp_path / "o").exists()


def test_the_commands_of_the_page_have_options_that_beam_knows():
    page = pathlib.Path(__file__).parents[2] / "docs" / "scaling.md"
    content = page.read_text("utf-8").replace("\\\n", " ")
    commands = re.findall(r'--runner (\w+)\s+--beam-options="([^"]+)"', content)
    assert {runner for runner, _ in commands} >= {
        *("DirectRunner", "FlinkRunner", "SparkRunner", "DataflowRunner")
    }
    for _, options in commands:
        flags = shlex.split(options)
        known = PipelineOptions(flags).get_all_options(drop_default=True)
        assert {flag[2:].partition("=")[0] for flag in flags} <= known.keys()


def test_a_mistake_is_told_as_without_beam(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("the cat saw a bird\na dog slept\n")
    out = str(tmp_path / "out")
    with pytest.raises(InputError, match="pairs=sentence_order.*is enough.$"):
        beam.make_shards(
            making(), functools.partial(read_documents, [str(path)]), out
        )
    path.unlink()
    with pytest.raises(FileNotFoundError) as found:
        beam.make_shards(
            making(), functools.partial(read_documents, [str(path)]), out
        )
    assert found.value.filename == str(path)
    assert not os.path.exists(out)
