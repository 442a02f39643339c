import subprocess
import sys

import pytest

FILE_BYTES = 200 * 2**20
# Reads the file through the whole pipeline, shuffled, and prints how much
# the peak memory, in KiB, grew after the first batch.
SCRIPT = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from conftest import LetterHead, WordTokenizer
from keras_bert_zoo.data import FileExamples, build_dataset
rows = FileExamples(sys.argv[1], {"text": "text", "label": "label"})
dataset = build_dataset(
    rows, LetterHead(), WordTokenizer(), sequence_length=64, shuffle=True
)
count = 0
for _, labels in dataset:
    if not count:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count += len(labels)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(count, peak - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only"
)
def test_a_large_file_streams_in_little_memory(tmp_path):
    path = tmp_path / "large.tsv"
    line = "1\t" + " ".join(["word"] * 60) + "\n"
    num_rows = FILE_BYTES // len(line)
    with open(path, "w") as stream:
        stream.write("label\ttext\n")
        for _ in range(num_rows // 1000):
            stream.write(line * 1000)
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, path, "tests/data"],
        capture_output=True,
        text=True,
        check=True,
    )
    count, growth = map(int, result.stdout.split())
    assert count == num_rows // 1000 * 1000
    assert growth * 1024 < FILE_BYTES / 2
