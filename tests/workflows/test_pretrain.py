"""Pre-training as Python functions: results, files, errors."""

import json
import pathlib
import tomllib

import numpy as np
import pytest
import small_corpus

import keras_bert_zoo as zoo
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.pretraining import cooccurrence
from keras_bert_zoo.pretraining import records
from keras_bert_zoo.workflows.progress import Progress

SIZES = {"num_layers": 1, "hidden_dim": 16, "sequence_length": 24}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "small.txt"
    texts = ["\n".join(one.sentences) for one in small_corpus.documents(12)]
    path.write_text("\n\n".join(texts) + "\n")
    return path


@pytest.fixture(scope="module")
def vocabulary(corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("vocabulary") / "words"
    result = zoo.train_vocabulary(corpus=[corpus], out=out, size=60)
    assert result.num_compared == result.num_sentences == 12 * 9
    assert (
        result.num_tokens == zoo.BertTokenizer.load(out).vocabulary_size <= 60
    )
    return out


@pytest.fixture(scope="module")
def result(corpus, vocabulary, tmp_path_factory):
    return zoo.pretrain(
        corpus=[corpus],
        vocabulary=vocabulary,
        out=tmp_path_factory.mktemp("run") / "model",
        hold_out=0.2,
        epochs=4,
        batch_size=8,
        learning_rate=3e-3,
        **SIZES,
    )


def test_a_run_tells_what_it_did(result):
    assert result.facts["train documents"] < 12
    assert result.facts["train tokens"] > 100
    assert result.learning_rate == 3e-3
    assert 0 <= result.padding_fraction < 0.3
    assert set(result.baselines) <= set(result.metrics)
    assert [row["epoch"] for row in result.history] == list(
        range(1, len(result.history) + 1)
    )
    assert result.steps % len(result.history) == 0
    last = result.history[-1]
    for name, value in result.metrics.items():
        assert value == pytest.approx(last[f"val_{name}"])


def test_the_directory_holds_model_history_and_report(result):
    directory = pathlib.Path(result.directory)
    config = json.loads((directory / "config.json").read_text())
    assert config["architectures"] == ["BertForPreTraining"]
    assert (directory / "history.csv").is_file()
    page = (directory / "report.html").read_text()
    assert result.report == str(directory / "report.html")
    for text in ("Beside what reads no text", "tokens/s", "GFLOP/s"):
        assert text in page
    card = (directory / "README.md").read_text()
    assert "train tokens" in card
    assert not directory.with_name("model.backup").exists()


def test_the_run_is_written_down(result, corpus):
    path = pathlib.Path(result.directory) / "run.toml"
    assert "bert-zoo pretrain --config" in path.read_text()
    options = tomllib.loads(path.read_text())
    assert options["corpus"] == [str(corpus)]
    assert options["hidden_dim"] == 16


def test_held_out_sentences_may_be_longer_than_examples(
    corpus, vocabulary, tmp_path
):
    # The encoder has no more positions than an example has tokens.
    sizes = {**SIZES, "sequence_length": 10}
    result = zoo.pretrain(
        corpus=corpus,
        vocabulary=vocabulary,
        out=tmp_path / "model",
        hold_out=0.2,
        steps=2,
        **sizes,
    )
    assert result.model.encoder.max_sequence_length == 10
    assert result.metrics


@pytest.mark.slow
def test_a_model_goes_on_from_another(result, corpus, tmp_path):
    other = zoo.pretrain(
        corpus=corpus,
        preset=result.directory,
        out=tmp_path / "model",
        hold_out=0.2,
        steps=2,
        sequence_length=24,
        learning_rate=1e-9,
        dropout=0.2,
    )
    assert other.model.encoder.get_config()["attention_dropout"] == 0.2
    for name, value in result.metrics.items():
        assert other.metrics[name] == pytest.approx(value, abs=1e-4)


@pytest.mark.slow
def test_a_model_goes_on_with_more_blocks(result, corpus, tmp_path):
    given = {
        "corpus": corpus,
        "preset": result.directory,
        "steps": 1,
        "sequence_length": 24,
        "learning_rate": 1e-9,
    }
    other = zoo.pretrain(out=tmp_path / "model", num_layers=3, **given)
    assert other.model.encoder.num_layers == 3
    weights = [
        other.model.encoder.get_layer(f"transformer_block_{n}").get_weights()
        for n in range(3)
    ]
    for mine, first, second in zip(*weights, strict=True):
        assert mine == pytest.approx(first, abs=1e-6)
        assert first == pytest.approx(second, abs=1e-6)
    with pytest.raises(InputError, match="num_layers=1, for an encoder of 1"):
        zoo.pretrain(out=tmp_path / "same", num_layers=1, **given)


@pytest.mark.slow
def test_a_model_is_continued_with_another_vocabulary(
    result, corpus, vocabulary, tmp_path
):
    zoo.train_vocabulary(corpus=[corpus], out=tmp_path / "words", size=50)
    other = zoo.pretrain(
        corpus=corpus,
        preset=result.directory,
        vocabulary=tmp_path / "words",
        out=tmp_path / "model",
        steps=1,
        sequence_length=24,
        learning_rate=1e-9,
    )
    tokens = zoo.BertTokenizer.load(tmp_path / "words").tokens
    assert tokens != zoo.BertTokenizer.load(vocabulary).tokens
    loaded = zoo.PretrainingModel.from_preset(other.directory)
    assert loaded.tokenizer.tokens == tokens
    assert loaded.encoder.vocabulary_size == len(tokens)
    # The heads keep their weights, too.
    for name in ("next_sentence", "logits"):
        for mine, theirs in zip(
            loaded.get_layer(name).weights,
            result.model.get_layer(name).weights,
            strict=True,
        ):
            if mine.shape == theirs.shape:
                assert np.asarray(mine) == pytest.approx(
                    np.asarray(theirs), abs=1e-6
                ), mine.path


class Killed(Exception):
    """What stands for the end of a process."""


class KilledAt(Progress):
    """Ends a run after a step of a part, both counted from 1."""

    def __init__(self, part, step):
        super().__init__()
        self._at = part, step
        self._part = None

    def on_epoch_begin(self, epoch, logs=None):
        self._part = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if (self._part, batch + 1) == self._at:
            raise Killed


def in_two_phases(corpus, vocabulary, out, **options):
    return zoo.pretrain(
        corpus=corpus,
        vocabulary=vocabulary,
        out=out,
        hold_out=0.2,
        steps=50,
        batch_size=4,
        long_sequence_length=48,
        long_fraction=0.2,
        learning_rate=1e-2,
        backup_seconds=0,
        **options,
        **SIZES,
    )


@pytest.mark.parametrize("objective", ("masked_lm", "replaced_tokens"))
def test_embeddings_begin_as_counts_of_neighbors(
    objective, corpus, vocabulary, tmp_path
):
    found = zoo.pretrain(
        corpus=[corpus],
        vocabulary=vocabulary,
        out=tmp_path / "model",
        objective=objective,
        initial_embeddings="cooccurrence",
        hold_out=0,
        steps=1,
        learning_rate=1e-9,
        seed=5,
        **SIZES,
    )
    tokenizer = found.model.tokenizer
    expected = cooccurrence.token_vectors(
        zoo.read_corpus([corpus], tokenizer),
        tokenizer.vocabulary_size,
        SIZES["hidden_dim"],
        seed=5,
    )
    saved = zoo.BertEncoder.from_preset(found.directory).token_embedding
    np.testing.assert_allclose(saved, expected, atol=1e-6)


@pytest.mark.slow
def test_a_second_phase_has_longer_examples(corpus, vocabulary, tmp_path):
    found = in_two_phases(corpus, vocabulary, tmp_path / "model")
    assert found.model.sequence_length == 48
    assert found.model.encoder.max_sequence_length == 48
    # 48 steps in 16 parts, 12 in 4.
    assert found.steps == 60
    assert [row["epoch"] for row in found.history] == list(range(1, 21))
    rates = [row["learning_rate"] for row in found.history]
    assert rates[15] < rates[0] and rates[15] < rates[16]
    assert found.report is not None
    assert found.history[-1]["loss"] < found.history[0]["loss"]
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "step"),
    # In the second phase; before it has a backup; and in the first one.
    [(18, 2), (17, 1), (3, 2)],
)
def test_a_run_of_two_phases_resumes_where_it_was_killed(
    corpus, vocabulary, tmp_path, part, step
):
    whole = in_two_phases(corpus, vocabulary, tmp_path / "whole")
    out = tmp_path / "killed"
    with pytest.raises(Killed):
        in_two_phases(corpus, vocabulary, out, progress=KilledAt(part, step))
    resumed = in_two_phases(corpus, vocabulary, out, progress=KilledAt(0, 0))
    for mine, other in zip(
        resumed.model.get_weights(), whole.model.get_weights(), strict=True
    ):
        assert (mine == other).all()
    assert [row["loss"] for row in resumed.history] == [
        row["loss"] for row in whole.history
    ]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["killed", "whole"]


@pytest.mark.slow
def test_a_head_learns_on_the_pretrained_encoder(result, tmp_path):
    rows = [
        {"text": "the cat saw a bird", "label": "a"},
        {"text": "a dog slept in town", "label": "b"},
    ]
    found = zoo.finetune(
        head="classification",
        preset=result.directory,
        train=rows,
        out=tmp_path / "classifier",
        epochs=1,
    )
    assert found.model.encoder.hidden_dim == 16


@pytest.mark.slow
def test_validation_files_are_held_out_and_lengths_are_steps(
    corpus, vocabulary, tmp_path
):
    found = zoo.pretrain(
        corpus=corpus,
        validation=[corpus],
        vocabulary=vocabulary,
        out=tmp_path / "model",
        steps=5,
        batch_size=4,
        pairs="sentence_order",
        mask_unit="words",
        mask_rate=0.3,
        **SIZES,
    )
    assert found.facts["train documents"] == 12
    assert found.steps == 5
    assert len(found.history) == 5
    assert found.model.objective.get_config() == {
        "pairs": "sentence_order",
        "mask_rate": 0.3,
        "mask_unit": "words",
    }


@pytest.mark.slow
def test_replaced_tokens_are_an_objective_too(corpus, vocabulary, tmp_path):
    found = zoo.pretrain(
        corpus=corpus,
        vocabulary=vocabulary / "vocab.txt",
        out=tmp_path / "model",
        objective="replaced_tokens",
        generator_size=0.5,
        hold_out=0.2,
        steps=3,
        batch_size=4,
        **SIZES,
    )
    assert found.baselines == {"replaced_tokens_accuracy": 0.85}
    assert "replaced_tokens_accuracy" in found.metrics
    assert found.report is not None


@pytest.mark.slow
def test_examples_in_files_are_learned_from(corpus, vocabulary, tmp_path):
    made = zoo.make_examples(
        corpus=corpus,
        vocabulary=vocabulary,
        out=tmp_path / "files",
        sequence_length=24,
        duplicates=2,
    )
    assert made.num_documents == 12
    found = zoo.pretrain(
        examples=tmp_path / "files",
        validation=corpus,
        vocabulary=vocabulary,
        out=tmp_path / "model",
        steps=4,
        batch_size=8,
        learning_rate=1e-2,
        **SIZES,
    )
    assert found.num_examples == made.num_examples
    assert len(found.history) == 4
    assert set(found.baselines) <= set(found.metrics)
    zoo.make_examples(
        corpus=corpus,
        vocabulary=vocabulary,
        out=tmp_path / "long_files",
        sequence_length=40,
    )
    longer = zoo.pretrain(
        examples=tmp_path / "files",
        long_examples=tmp_path / "long_files",
        long_sequence_length=40,
        vocabulary=vocabulary,
        out=tmp_path / "longer",
        steps=4,
        batch_size=8,
        **SIZES,
    )
    assert longer.model.sequence_length == 40
    assert len(longer.history) == 4
    given = {
        "vocabulary": vocabulary,
        "out": tmp_path / "other",
        "examples": tmp_path / "files",
        **SIZES,
    }
    for options, message in (
        ({"pairs": "none"}, "pairs=next_sentence"),
        ({"mask_rate": 0.4}, "mask_rate=0.15. Received: mask_rate=0.4"),
        ({"sequence_length": 32}, "a sequence length of 32"),
        ({"tokens_per_batch": 64}, "Leave it out"),
        ({"corpus": corpus}, "corpus and examples"),
        ({"examples": vocabulary}, "must hold finished examples"),
        ({"objective": "replaced_tokens"}, "Give a corpus"),
    ):
        with pytest.raises(InputError, match=message):
            zoo.pretrain(**{**given, **options})
    (shard,) = (tmp_path / "files").glob("*.tfrecord")
    alone = {"examples": shard, "steps": 1, "out": tmp_path / "alone"}
    assert zoo.pretrain(**given | alone).num_examples == made.num_examples
    whole = shard.read_bytes()
    # The first record alone.
    num_bytes = int.from_bytes(whole[:8], "little") + 16
    shard.write_bytes(whole[:num_bytes])
    with pytest.raises(InputError, match="of its manifest. Received: 1"):
        zoo.pretrain(**given)
    other = tmp_path / "other_words"
    zoo.train_vocabulary(corpus=corpus, out=other, size=50)
    for examples in (tmp_path / "files", shard):
        with pytest.raises(InputError, match="The vocabulary must be the one"):
            zoo.pretrain(**{**given, "vocabulary": other, "examples": examples})


@pytest.mark.slow
def test_damage_that_shows_in_training_is_named(
    corpus, vocabulary, tmp_path, monkeypatch
):
    zoo.make_examples(
        corpus=corpus,
        vocabulary=vocabulary,
        out=tmp_path / "files",
        sequence_length=24,
    )
    (shard,) = (tmp_path / "files").glob("*.tfrecord")
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-9] + b"damage" + whole[-3:])
    monkeypatch.setattr(records, "_SAMPLED_RECORDS", 1)
    with pytest.raises(InputError, match=r"ecord, record \d+: .* damaged"):
        zoo.pretrain(
            examples=tmp_path / "files",
            vocabulary=vocabulary,
            out=tmp_path / "model",
            steps=40,
            batch_size=8,
            **SIZES,
        )


@pytest.mark.slow
@pytest.mark.parametrize(("part", "step"), [(1, 2), (3, 1), (5, 3)])
def test_a_run_on_files_resumes_where_it_was_killed(
    corpus, vocabulary, tmp_path, part, step
):
    for seed in (1, 2):
        zoo.make_examples(
            corpus=corpus,
            vocabulary=vocabulary,
            out=tmp_path / f"files_{seed}",
            sequence_length=24,
            seed=seed,
        )

    def run(out, seed=1, **options):
        return zoo.pretrain(
            examples=tmp_path / f"files_{seed}",
            vocabulary=vocabulary,
            out=tmp_path / out,
            # Each part is a bit more than a pass.
            steps=80,
            batch_size=16,
            backup_seconds=0,
            **options,
            **SIZES,
        )

    whole = run("whole")
    assert whole.num_examples < 4 * 16
    with pytest.raises(Killed):
        run("killed", progress=KilledAt(part, step))
    with pytest.raises(InputError, match="training_examples"):
        run("killed", seed=2, progress=KilledAt(0, 0))
    resumed = run("killed", progress=KilledAt(0, 0))
    for mine, other in zip(
        resumed.model.get_weights(), whole.model.get_weights(), strict=True
    ):
        assert (mine == other).all()
    assert [row["loss"] for row in resumed.history] == [
        row["loss"] for row in whole.history
    ]


@pytest.mark.slow
def test_a_run_that_gains_nothing_says_so(corpus, vocabulary, tmp_path, caplog):
    zoo.pretrain(
        corpus=corpus,
        vocabulary=vocabulary,
        out=tmp_path / "model",
        hold_out=0.2,
        steps=4,
        learning_rate=0.3,
        **SIZES,
    )
    assert "No better than the frequencies of tokens alone" in caplog.text


@pytest.mark.slow
def test_nothing_need_be_held_out(corpus, vocabulary, tmp_path):
    found = zoo.pretrain(
        corpus=corpus,
        vocabulary=vocabulary,
        out=tmp_path / "model",
        hold_out=0,
        steps=1,
        architecture="bert_tiny_en_uncased",
        sequence_length=24,
    )
    assert found.metrics == found.baselines == {}
    assert found.model.encoder.hidden_dim == 128


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocabulary": None}, "needs a vocabulary"),
        ({"hidden_dim": None}, "no hidden_dim"),
        ({"preset": "minilm_l6_en_uncased"}, "of its own. .*hidden_dim"),
        ({"long_batch_size": 4}, "long_batch_size=4, and no long_seq"),
        ({"long_sequence_length": 24}, "second phase has longer examples"),
        (
            {"long_sequence_length": 48, "long_fraction": 0.0},
            "has a share of the steps",
        ),
        (
            {"long_sequence_length": 48, "long_examples": "files"},
            "Received: long_examples alone",
        ),
        ({"initial_embeddings": "counts"}, "initial_embeddings"),
        (
            {
                "preset": "minilm_l6_en_uncased",
                "initial_embeddings": "cooccurrence",
            },
            "for a new encoder .*preset=minilm",
        ),
        (
            {
                "corpus": None,
                "examples": ["files"],
                "initial_embeddings": "cooccurrence",
            },
            "learns from a corpus. .*examples=",
        ),
        ({"vocabulary": "nowhere"}, "nowhere"),
        ({"corpus": ["nowhere.txt"]}, "nowhere.txt"),
        ({"masks": 3}, "no such options.*masks.*mask_rate"),
        ({"objective": "other"}, "No objective has the name 'other'"),
        ({"packed_length": 64, "tokens_per_batch": 64}, "Only one of"),
        ({"epochs": 2, "steps": 9}, "epochs=2, steps=9. Give one"),
        ({"hold_out": 1.0}, "hold_out"),
        ({"sequence_length": 3}, "sequence_length"),
        ({"document_format": "xml"}, "`format` must be one of"),
    ],
)
def test_wrong_options_are_refused(
    options, message, corpus, vocabulary, tmp_path
):
    given = {
        "corpus": [corpus],
        "vocabulary": vocabulary,
        "out": tmp_path / "model",
        **SIZES,
        **options,
    }
    with pytest.raises((InputError, OSError), match=message):
        zoo.pretrain(**{k: v for k, v in given.items() if v is not None})
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("hold_out", (0, 0.02))
def test_one_document_has_no_random_sentence(hold_out, vocabulary, tmp_path):
    path = tmp_path / "one.txt"
    path.write_text("the cat saw a bird\na dog slept\n")
    with pytest.raises(InputError, match="pairs=sentence_order"):
        zoo.pretrain(
            corpus=path,
            vocabulary=vocabulary,
            out=tmp_path / "model",
            hold_out=hold_out,
            **SIZES,
        )


@pytest.mark.parametrize("kind", ["byte_bpe", "unigram"])
def test_a_vocabulary_of_another_kind_is_refused(corpus, kind, tmp_path):
    words = tmp_path / "words"
    learned = zoo.train_vocabulary(
        corpus=corpus, out=words, kind=kind, size=280
    )
    assert learned.kind == kind
    assert learned.num_compared == learned.num_sentences == 12 * 9
    with pytest.raises(InputError, match=f"{kind} .*words.*--kind wordpiece"):
        zoo.pretrain(
            corpus=corpus, vocabulary=words, out=tmp_path / "model", **SIZES
        )


@pytest.mark.parametrize("kind", ["byte_bpe", "unigram"])
def test_a_vocabulary_is_learned_anew_where_that_is_meant(kind, tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"text": "half of a pair: \\ud800, and words"}\n' * 2)
    for _ in range(2):
        found = zoo.train_vocabulary(
            corpus=path,
            out=tmp_path / "words",
            kind=kind,
            size=280,
            overwrite=True,
        )
    assert found.num_compared == 2


def test_an_unknown_kind_lists_the_known_ones(corpus, tmp_path):
    with pytest.raises(InputError, match="byte_bpe, unigram, wordpiece"):
        zoo.train_vocabulary(corpus=corpus, out=tmp_path / "words", kind="bpe")


def test_a_vocabulary_is_not_written_over(corpus, vocabulary):
    with pytest.raises(InputError, match="existing output"):
        zoo.train_vocabulary(corpus=corpus, out=vocabulary)
