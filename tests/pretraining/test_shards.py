"""Example files: the same for any number of processes, and after a kill."""

import errno
import hashlib
import json
import pathlib
import pickle
import sys
import time
import uuid

import programs
import pytest
import small_corpus
import tensorflow as tf

from keras_bert_zoo import storage
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import shards
from keras_bert_zoo.pretraining.documents import Document
from keras_bert_zoo.pretraining.objectives.masked_lm import MaskedLM
from keras_bert_zoo.pretraining.processes import make_shards
from keras_bert_zoo.pretraining.shards import Making
from keras_bert_zoo.pretraining.shards import blocks
from keras_bert_zoo.pretraining.shards import read_manifest

CHARACTERS = 400


def making(**options):
    return Making(
        small_corpus.tokenizer(),
        MaskedLM(),
        20,
        block_characters=CHARACTERS,
        **options,
    )


def make(directory, number=12, processes=1, **options):
    return make_shards(
        making(**options),
        small_corpus.documents(number),
        str(directory),
        num_processes=processes,
    )


def digests(directory):
    directory = str(directory)
    files = storage.files_of(directory)
    return {
        name: hashlib.sha256(
            files.open(files.join(directory, name)).readall()
        ).hexdigest()
        for name in files.names(directory)
    }


def of_sizes(*sizes):
    return [Document(["x" * size], str(n)) for n, size in enumerate(sizes)]


def sizes(documents):
    return [
        [len(one.sentences[0]) for one in block]
        for block in blocks(documents, 10)
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([4, 4, 4, 4, 4], [[4, 4, 4], [4, 4]]),
        # Two documents at least, in the last block too.
        ([30, 1, 30, 1], [[30, 1], [30, 1]]),
        ([5, 5, 1], [[5, 5, 1]]),
        ([30], [[30]]),
        ([], []),
    ],
)
def test_blocks_are_full_and_have_two_documents(given, expected):
    assert sizes(of_sizes(*given)) == expected


def test_files_and_manifest_say_the_same(tmp_path):
    out = tmp_path / "out"
    manifest = make(out)
    assert len(manifest["shards"]) > 3
    assert manifest["num_documents"] == 12
    assert manifest == read_manifest(out)
    found = digests(out)
    for shard in manifest["shards"]:
        assert found.pop(shard["file"]) == shard["sha256"]
    assert list(found) == ["manifest.json"]
    total = sum(shard["num_examples"] for shard in manifest["shards"])
    assert manifest["num_examples"] == total > 12


def test_duplicates_are_cut_and_masked_anew(tmp_path):
    one = make(tmp_path / "one")
    three = make(tmp_path / "three", duplicates=3)
    assert abs(three["num_examples"] / one["num_examples"] - 3) < 0.5
    block = small_corpus.documents(4)
    (arrays,) = shards.examples_of_block(making(duplicates=3), block, 0)
    rows = {tuple(row) for row in arrays["input_ids"].tolist()}
    assert len(rows) > 2 * len(arrays["input_ids"]) / 3


def test_the_seed_decides(tmp_path):
    make(tmp_path / "a", seed=1)
    make(tmp_path / "b", seed=1)
    make(tmp_path / "c", seed=2)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(tmp_path / "a") != digests(tmp_path / "c")


def test_what_decides_the_examples_goes_to_another_process_whole():
    one = making(duplicates=2)
    other = pickle.loads(pickle.dumps(one))
    assert other.settings() == one.settings()
    block = small_corpus.documents(4)
    for ours, theirs in zip(
        shards.examples_of_block(one, block, 3),
        shards.examples_of_block(other, block, 3),
        strict=True,
    ):
        for key in ours:
            assert (ours[key] == theirs[key]).all()


@pytest.mark.slow
def test_any_number_of_processes_writes_the_same_files(tmp_path):
    program = pathlib.Path(__file__)
    programs.run(program, str(tmp_path / "1"), "1", "0")
    programs.run(program, f"file://{tmp_path}/3", "3", "0")
    found = [digests(tmp_path / one / "out") for one in "13"]
    assert found[0] == found[1]
    assert len(found[0]) > 4


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_files(tmp_path):
    program = pathlib.Path(__file__)
    programs.run(program, str(tmp_path / "whole"), "1", "0")
    killed = tmp_path / "killed"
    kept = 0
    for wanted in (1, 3):
        process = programs.start(program, str(killed), "1", "0.2")
        while process.poll() is None:
            finished = list(killed.glob("out/examples-*.tfrecord"))
            if len(finished) >= wanted:
                break
            time.sleep(0.01)
        process.kill()
        process.communicate()
        assert len(finished) >= kept
        kept = len(finished)
        with pytest.raises(InputError, match="unfinished"):
            read_manifest(killed / "out")
    programs.run(program, str(killed), "1", "0")
    assert digests(killed / "out") == digests(tmp_path / "whole" / "out")


@pytest.mark.parametrize("url", ["", "ram://"])
def test_what_is_finished_is_not_made_again(url, tmp_path, monkeypatch):
    out = f"{url}{uuid.uuid4().hex}" if url else str(tmp_path / "out")
    write = shards.write_shard
    is_down = True
    written = []

    def write_if_up(making, block, number, directory):
        if is_down and number == 2:
            raise OSError(errno.EIO, "The network is down", directory)
        written.append(number)
        return write(making, block, number, directory)

    monkeypatch.setattr(shards, "write_shard", write_if_up)
    with pytest.raises(OSError, match="network is down"):
        make(out)
    with pytest.raises(InputError, match="unfinished ones"):
        read_manifest(out)
    with pytest.raises(InputError, match="begun in the same way.*seed"):
        make(out, seed=9)
    with pytest.raises(InputError, match="begun in the same way.*source"):
        make_shards(making(), [], out, source=["other.txt", 3])
    is_down = False
    make(out)
    assert written == list(range(len(written)))
    make(tmp_path / "whole")
    assert digests(out) == digests(tmp_path / "whole")


def test_a_full_disk_names_the_file_and_keeps_what_is_finished(
    tmp_path, monkeypatch
):
    writer = tf.io.TFRecordWriter
    num_written = 0

    class UntilFull(writer):
        def write(self, record):
            nonlocal num_written
            num_written += 1
            if num_written == 30:
                raise tf.errors.ResourceExhaustedError(
                    None, None, "x; No space left on device"
                )
            super().write(record)

    out = tmp_path / "out"
    monkeypatch.setattr(tf.io, "TFRecordWriter", UntilFull)
    with pytest.raises(OSError, match="No space left") as found:
        make(out)
    assert found.value.errno == errno.ENOSPC
    failed = pathlib.Path(found.value.filename)
    kept = {path.name: path.read_bytes() for path in out.glob("examples-*")}
    assert kept and failed.name not in kept
    assert {path.name for path in out.iterdir()} == {".unfinished", *kept}
    monkeypatch.setattr(tf.io, "TFRecordWriter", writer)
    make(out)
    assert failed.is_file()
    assert {n: (out / n).read_bytes() for n in kept} == kept


def test_another_directory_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("text")
    with pytest.raises(InputError, match="of their own"):
        make(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_corpus_without_documents_is_refused(tmp_path):
    with pytest.raises(InputError, match="must have documents"):
        make(tmp_path / "out", number=0)
    assert not (tmp_path / "out").exists()


def test_a_manifest_must_be_whole(tmp_path):
    out = tmp_path / "out"
    manifest = make(out)
    (out / manifest["shards"][1]["file"]).unlink()
    with pytest.raises(InputError, match="all of its examples.*000001"):
        read_manifest(out)
    (out / "manifest.json").write_text("{")
    with pytest.raises(InputError, match="what `make-examples` wrote"):
        read_manifest(out)
    (out / "manifest.json").unlink()
    with pytest.raises(InputError, match="no manifest.json"):
        read_manifest(out)


if __name__ == "__main__":

    def slow_documents():
        for document in small_corpus.documents(12):
            time.sleep(float(sys.argv[3]))
            yield document

    content = make_shards(
        making(),
        slow_documents(),
        f"{sys.argv[1]}/out",
        num_processes=int(sys.argv[2]),
    )
    sys.stdout.write(json.dumps(content["num_examples"]) + "\n")
