"""Files by path and by URL: the same behaviour, on TensorFlow's `ram://`."""

import errno
import gzip
import pathlib
import subprocess
import sys
import uuid

import pytest
import small_corpus
import tensorflow as tf

from keras_bert_zoo import storage
from keras_bert_zoo.data.readers.lines import read_lines
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.storage import files_of
from keras_bert_zoo.tokenization import load_tokenizer


@pytest.fixture(params=["path", "ram", "file"])
def place(request, tmp_path):
    """A directory that does not exist yet."""
    return {
        "path": str(tmp_path / "place"),
        "ram": f"ram://{uuid.uuid4().hex}/place",
        "file": f"file://{tmp_path}/place",
    }[request.param]


def write(path, content):
    files = files_of(path)
    files.make_directory(files.parent(path))
    with files.atomic_file(path) as temporary:
        temporary.write_bytes(content)


def test_what_is_written_is_found(place):
    files = files_of(place)
    path = files.join(place, "inner", "file")
    assert not files.is_directory(place) and not files.is_file(path)
    assert files.names(place) == []
    write(path, b"content")
    assert files.is_directory(place) and not files.is_file(place)
    assert files.is_file(path) and not files.is_directory(path)
    assert files.size(path) == 7 and files.sizes([path, path]) == [7, 7]
    assert files.names(place) == ["inner"]
    assert files.names(files.parent(path)) == ["file"]
    with files.open(path) as stream:
        assert stream.readall() == b"content"


def test_a_file_is_replaced_whole_or_not_at_all(place):
    files = files_of(place)
    path = files.join(place, "file")
    write(path, b"first")
    with pytest.raises(RuntimeError), files.atomic_file(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert files.open(path).readall() == b"first"
    write(path, b"second")
    assert files.open(path).readall() == b"second"
    assert files.names(place) == ["file"]


def test_a_failed_rename_leaves_nothing(monkeypatch):
    place = f"ram://{uuid.uuid4().hex}"

    def rename(*given, **options):
        raise tf.errors.UnavailableError(None, None, "The network is down.")

    monkeypatch.setattr(tf.io.gfile, "rename", rename)
    with pytest.raises(OSError, match=f"{place}/file: The network is down"):
        write(f"{place}/file", b"content")
    assert files_of(place).names(place) == []


def test_what_is_removed_is_gone(place):
    files = files_of(place)
    for name in "ab":
        write(files.join(place, "inner", name), b"")
    files.remove(files.join(place, "inner", "a"))
    assert files.names(files.join(place, "inner")) == ["b"]
    files.remove_directory(place)
    assert not files.is_directory(place)


def test_what_is_not_there_is_named(place):
    files = files_of(place)
    for work in (files.size, lambda path: files.open(path).read(1)):
        with pytest.raises(FileNotFoundError) as found:
            work(files.join(place, "nowhere"))
        assert found.value.filename == files.join(place, "nowhere")


@pytest.mark.parametrize("error", ["full", "denied"])
def test_errors_of_tensorflow_are_those_of_the_system(error):
    kind = {
        "full": tf.errors.ResourceExhaustedError,
        "denied": tf.errors.PermissionDeniedError,
    }[error]
    with pytest.raises(OSError, match="gs://a/b") as found:
        with storage.os_errors("gs://a/b"):
            raise kind(None, None, "Such is life.")
    if error == "full":
        assert found.value.errno == errno.ENOSPC
    else:
        assert "Such is life" in str(found.value)


def test_an_unknown_scheme_is_named_with_those_that_are_known():
    with pytest.raises(InputError, match=r"ram\. Received: ftp://host/x"):
        files_of("ftp://host/x")


def test_a_package_that_registers_schemes_is_imported(monkeypatch, tmp_path):
    (tmp_path / "tensorflow_io.py").write_text(
        "import tensorflow as tf\n"
        "tf.io.gfile.get_registered_schemes = lambda: ['s3']\n"
    )
    known = tf.io.gfile.get_registered_schemes
    monkeypatch.setattr(tf.io.gfile, "get_registered_schemes", known)
    monkeypatch.syspath_prepend(tmp_path)
    assert isinstance(files_of("s3://bucket/x"), storage.RemoteFiles)


def test_text_is_read_from_everywhere(place):
    files = files_of(place)
    lines = [(1, "one"), (2, ""), (3, "drei §")]
    text = "".join(f"{line}\n" for _, line in lines)
    for name, content in (
        ("plain.txt", text.encode()),
        ("zipped", gzip.compress(text.encode())),
        ("utf16.txt", text.encode("utf-16")),
        ("zipped_utf16.gz", gzip.compress(text.encode("utf-16"))),
    ):
        write(files.join(place, name), content)
        assert list(read_lines(files.join(place, name))) == lines
    write(files.join(place, "cut.gz"), gzip.compress(text.encode() * 99)[:-9])
    with pytest.raises(InputError, match="place/cut.gz:.*must be whole"):
        list(read_lines(files.join(place, "cut.gz")))


def test_a_tokenizer_is_loaded_from_a_url(tmp_path):
    tokenizer = small_corpus.tokenizer()
    tokenizer.save(tmp_path)
    place = f"ram://{uuid.uuid4().hex}/words"
    for path in tmp_path.iterdir():
        write(f"{place}/{path.name}", path.read_bytes())
    for given in (place, f"{place}/vocab.txt"):
        loaded = load_tokenizer(given)
        assert loaded.description() == tokenizer.description()
    write(f"{place}/vocab.txt", b"no\nspecial\ntokens\n")
    files_of(place).remove(f"{place}/tokenizer.json")
    with pytest.raises(InputError, match=rf"{place}/vocab.txt.*\[PAD\]"):
        load_tokenizer(place)


def test_local_files_need_no_tensorflow():
    program = (
        "import sys; from keras_bert_zoo.storage import files_of;"
        f"files_of({str(pathlib.Path(__file__))!r}).open({__file__!r});"
        "sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
