"""`bert-zoo vocabulary` and `bert-zoo pretrain`, from a file to a model."""

import json

import pytest
import small_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "small.txt"
    texts = ["\n".join(one.sentences) for one in small_corpus.documents(12)]
    path.write_text("\n\n".join(texts) + "\n")
    return path


@pytest.fixture(scope="module")
def words(zoo, corpus):
    out = corpus.with_name("words")
    done = zoo("vocabulary", "--corpus", corpus, "--out", out, "--size", 60)
    assert done.status == 0, done.error
    assert "108 sentences" in done.out
    assert "108 sentences: the same ids from all" in done.out
    return out


def flags(corpus, words, out):
    return (
        *("--corpus", corpus, "--vocabulary", words, "--out", out),
        *("--num-layers", 1, "--hidden-dim", 16, "--sequence-length", 24),
        *("--steps", 3, "--batch-size", 8, "--hold-out", 0.2),
    )


@pytest.mark.slow
def test_a_corpus_becomes_a_model(zoo, corpus, words, tmp_path):
    out = tmp_path / "model"
    done = zoo("pretrain", *flags(corpus, words, out), "--mask-rate", 0.3)
    assert done.status == 0, done.error
    lines = done.out.splitlines()
    topics = [line.split()[0] for line in lines]
    assert topics == [
        *("train", "validation", "model", "rate", "baseline"),
        *("part",) * 3,
        *("padding", "held", "baseline", "saved", "report"),
    ]
    assert "without an encoder" in lines[4]
    assert json.loads((out / "config.json").read_text())["hidden_size"] == 16
    # The next verb takes it as it is.
    filled = zoo("predict", out, "--text", "the cat [MASK] a bird")
    assert filled.status == 0, filled.error
    assert "filled_text" in filled.out


@pytest.mark.slow
def test_a_configuration_file_repeats_a_run(zoo, corpus, words, tmp_path):
    runs = [tmp_path / "one", tmp_path / "two"]
    assert zoo("pretrain", *flags(corpus, words, runs[0])).status == 0
    done = zoo("pretrain", "--config", runs[0] / "run.toml", "--out", runs[1])
    assert done.status == 0, done.error
    first, second = ((run / "model.safetensors").read_bytes() for run in runs)
    assert first == second


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--pairs", "both"), "pairs"),
        (("--objective", "other"), "No objective has the name 'other'"),
        (("--preset", "x"), "of its own"),
        (("--corpus", "/nowhere.txt"), "/nowhere.txt"),
    ],
)
def test_a_mistake_is_one_line(zoo, corpus, words, tmp_path, extra, message):
    done = zoo("pretrain", *flags(corpus, words, tmp_path / "m"), *extra)
    assert done.status == 2
    assert message in done.error
    assert len(done.error.splitlines()) == 1


def test_help_lists_the_flags_of_the_objective(zoo):
    done = zoo("pretrain", "--objective", "masked_lm", "--help")
    assert done.status == 0
    for flag in ("--mask-rate", "--mask-unit", "--pairs", "--dropout"):
        assert flag in done.out
