"""Making examples, and learning from them, as Python functions."""

import pathlib
import sys
import uuid

import pytest
import small_corpus

import keras_bert_zoo as zoo
from keras_bert_zoo import storage
from keras_bert_zoo.errors import InputError


@pytest.fixture
def words(tmp_path):
    small_corpus.tokenizer().save(tmp_path / "words")
    return tmp_path / "words"


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    texts = ["\n".join(one.sentences) for one in small_corpus.documents(12)]
    path.write_text("\n\n".join(texts))
    return path


def upload(path, url):
    files = storage.files_of(url)
    for one in [path] if path.is_file() else path.iterdir():
        with files.atomic_file(files.join(url, one.name)) as temporary:
            temporary.write_bytes(one.read_bytes())


def make(corpus, words, out, **options):
    return zoo.make_examples(
        corpus=corpus,
        vocabulary=words,
        out=out,
        sequence_length=24,
        **options,
    )


def test_urls_take_the_place_of_paths(corpus, words, tmp_path):
    url = f"ram://{uuid.uuid4().hex}"
    upload(corpus, url)
    upload(words, f"{url}/words")
    make(corpus, words, tmp_path / "out")
    make(f"{url}/corpus.txt", f"{url}/words", f"{url}/out")
    files = storage.files_of(url)
    assert files.names(f"{url}/out") == [
        "examples-000000.tfrecord",
        "manifest.json",
    ]
    for name in files.names(f"{url}/out"):
        content = files.open(f"{url}/out/{name}").readall()
        assert content == (tmp_path / "out" / name).read_bytes()


@pytest.mark.slow
def test_a_model_learns_from_urls(corpus, words, tmp_path):
    url = f"ram://{uuid.uuid4().hex}"
    upload(corpus, url)
    upload(words, f"{url}/words")
    make(f"{url}/corpus.txt", f"{url}/words", f"{url}/out")
    given = {
        "vocabulary": f"{url}/words",
        "num_layers": 1,
        "hidden_dim": 8,
        "sequence_length": 24,
        "steps": 1,
        "batch_size": 4,
    }
    found = zoo.pretrain(
        examples=f"{url}/out",
        validation=f"{url}/corpus.txt",
        out=tmp_path / "of_files",
        **given,
    )
    assert found.facts["validation documents"] == 12
    found = zoo.pretrain(
        corpus=f"{url}/corpus.txt", out=tmp_path / "of_text", **given
    )
    assert found.facts["train documents"] < 12


def test_a_scheme_that_is_unknown_is_refused(corpus, words):
    for given in (
        ("ftp://host/c.txt", words, "out"),
        (corpus, "ftp://host/words", "out"),
        (corpus, words, "ftp://host/out"),
    ):
        with pytest.raises(InputError, match="ftp://host/"):
            make(*given)
    assert not pathlib.Path("ftp:").exists()


def test_a_runner_needs_beam(corpus, words, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.delitem(
        sys.modules, "keras_bert_zoo.pretraining.beam", raising=False
    )
    with pytest.raises(InputError, match=r"keras-bert-zoo\[beam\]"):
        make(corpus, words, tmp_path / "out", runner="DirectRunner")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"runner": "FlinkRunner", "processes": 2}, "processes=2"),
        ({"beam_options": "--project=p"}, "no runner"),
        (
            {"runner": "DirectRunner", "beam_options": "--name='p"},
            "Close the quotes",
        ),
    ],
)
def test_options_of_beam_are_a_runners(
    options, message, corpus, words, tmp_path
):
    with pytest.raises(InputError, match=message):
        make(corpus, words, tmp_path / "out", **options)
