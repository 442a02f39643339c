"""What vocabularies of every kind that is learned have in common."""

import hashlib
import json
import pathlib
import sys

import programs
import pytest
import tokenizers

from keras_bert_zoo import registry
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import word_counts

KINDS = ("byte_bpe", "unigram", "wordpiece")
SIZE = 320
TEXTS = [
    "The unhappy walker walked happily, unhappily walking!",
    "She walks; he talks: talkers, talking, talked.",
    'Größe,  naïve "café" — 東京 and 京都 ½ ﬁne…',
] * 3


@pytest.fixture(params=KINDS)
def kind(request):
    return registry.vocabularies.get(request.param)


def digests(kind, directory):
    vocabulary = kind.trained_on(TEXTS, SIZE, reserved=["[E1]"])
    directory.mkdir()
    vocabulary.save(directory)
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.iterdir())
    }


def test_every_kind_is_registered():
    assert set(KINDS) <= set(registry.vocabularies.names())


def test_the_files_give_the_ids_of_what_was_trained(kind, tmp_path):
    vocabulary = kind.trained_on(TEXTS, SIZE)
    vocabulary.save(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    # Where a special token is written out, it may stand for itself.
    texts = [*TEXTS, f"walks {config['mask_token']}"]
    assert vocabulary.check_saved(tmp_path, texts) == len(TEXTS)
    assert vocabulary.num_tokens <= SIZE


def test_damaged_files_are_told(kind, tmp_path):
    vocabulary = kind.trained_on(TEXTS, SIZE)
    vocabulary.save(tmp_path)
    other = kind.trained_on(TEXTS[:1] * 2, SIZE)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "other").mkdir()
    other.save(tmp_path / "other")
    (tmp_path / "other" / "tokenizer.json").rename(tmp_path / "tokenizer.json")
    with pytest.raises(InputError, match="same ids"):
        vocabulary.check_saved(tmp_path, TEXTS)


def test_reserved_tokens_follow_the_special_ones(kind, tmp_path):
    kind.trained_on(TEXTS, SIZE, reserved=["[E1]", "[E2]"]).save(tmp_path)
    path = tmp_path / "tokenizer.json"
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    assert tokenizer.id_to_token(5) == "[E1]"
    assert tokenizer.id_to_token(6) == "[E2]"


@pytest.mark.parametrize("reserved", [["[E1]"] * 2, ["two words"], [""]])
def test_reserved_tokens_differ_and_have_no_space(kind, reserved):
    with pytest.raises(InputError, match="reserved token"):
        kind.trained_on(TEXTS, SIZE, reserved=reserved)


def test_a_kind_recognizes_its_own_files_alone(kind, tmp_path):
    kind.trained_on(TEXTS, SIZE).save(tmp_path)
    recognizing = [
        name
        for name in KINDS
        if registry.vocabularies.get(name).recognizes(tmp_path)
    ]
    assert registry.vocabularies.name_of(kind) in recognizing
    assert len(recognizing) == 1


def test_too_small_a_size_is_refused(kind):
    with pytest.raises(InputError, match="`size` must hold .*size=8"):
        kind.trained_on(TEXTS, 8)


def test_texts_without_a_word_are_refused(kind):
    with pytest.raises(InputError, match="without any"):
        kind.trained_on(["", ""], SIZE)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_other_numbers_of_threads_write_the_same_files(name):
    program = pathlib.Path(__file__)
    found = [
        programs.run(program, name, RAYON_NUM_THREADS=str(threads))
        for threads in (1, 2, 2)
    ]
    assert found[0] == found[1] == found[2]


def test_rare_words_are_forgotten_where_there_are_too_many():
    batches = [{"often": 50}, {f"rare{n}": 1 for n in range(3000)}]
    counts = word_counts.counted(batches, max_words=1000)
    assert len(counts) <= 1000
    assert counts["often"] == 50


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        learned = digests(
            registry.vocabularies.get(sys.argv[1]),
            pathlib.Path(scratch) / "words",
        )
    print(json.dumps(learned))
