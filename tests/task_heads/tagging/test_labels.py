"""What tags and spans become in the labels that a head has."""

import pytest

from keras_bert_zoo.errors import InputError
from task_heads.tagging.labels import LabelSet
from task_heads.tagging.labels import scheme_of

SETS = {
    "IOB2": "O B-x I-x B-y I-y",
    "IOBES": "O B-x I-x E-x S-x B-y I-y E-y S-y",
    "BILOU": "O B-x I-x L-x U-x B-y I-y L-y U-y",
    "IOB1": "O B-x I-x B-y I-y I-z",
    "I alone": "O I-x I-y",
    "letters": "B I O",
    "no E": "O I-x B-x S-x I-y B-y S-y",
    "no S": "O I-x B-x E-x I-y B-y E-y",
}
SCHEMES = {
    "BILOU": "IOBES",
    "I alone": "IOB1",
    "letters": "IOB2",
    "no E": "IOBES",
    "no S": "IOBES",
}
# Two words, one, one of the same type right after it, one further on.
TAGS = "B-x I-x O B-y B-y O B-x I-x I-x".split()
SPELLED = {
    "IOB2": "B-x I-x O B-y B-y O B-x I-x I-x",
    "IOBES": "B-x E-x O S-y S-y O B-x I-x E-x",
    "BILOU": "B-x L-x O U-y U-y O B-x I-x L-x",
    "IOB1": "I-x I-x O I-y B-y O I-x I-x I-x",
    # Nothing tells that one span ends and another begins.
    "I alone": "I-x I-x O I-y I-y O I-x I-x I-x",
    "no E": "B-x I-x O S-y S-y O B-x I-x I-x",
    "no S": "B-x E-x O B-y B-y O B-x I-x E-x",
}


@pytest.mark.parametrize("name", SETS)
def test_labels_have_a_scheme_of_their_own(name):
    labels = SETS[name].split()
    assert scheme_of(labels) == SCHEMES.get(name, name)
    assert LabelSet(labels, True).scheme == SCHEMES.get(name, name)


@pytest.mark.parametrize("name", SPELLED)
def test_tags_are_spelled_with_the_labels(name):
    labels = LabelSet(SETS[name].split(), True)
    assert labels.spelled(TAGS, "IOB2") == SPELLED[name].split()


def test_tags_without_types_are_letters():
    labels = LabelSet(SETS["letters"].split(), True)
    assert labels.types == ["_"]
    assert labels.spelled("B I O I".split(), "IOB2") == "B I O B".split()
    assert LabelSet(["O", "B-_", "I-_"], True).spelled(["B", "I"], "IOB2") == [
        "B-_",
        "I-_",
    ]


def test_what_no_label_spells_stays():
    labels = LabelSet(["O", "B-x", "E-x"], True)
    spelled = labels.spelled(["B-x", "I-x", "I-x"], "IOB2")
    assert spelled == ["B-x", "I-x", "E-x"]


def test_tags_without_prefixes_stay():
    labels = LabelSet(["DET", "NOUN", "O"], False)
    assert labels.spelled(["NOUN", "B-x"], "none") == ["NOUN", "B-x"]
    assert labels.ids_in_spans() == [[0] * 8, [1] * 8, [2] * 8]
    with pytest.raises(InputError, match="source='IOB2', target='none'"):
        labels.spelled(["B-x"], "IOB2")


@pytest.mark.parametrize("name", SPELLED)
def test_words_of_spans_get_what_their_tags_get(name):
    labels = LabelSet(SETS[name].split(), True)
    table = labels.ids_in_spans()
    # Type, whether first, last and after another of the type, as in `TAGS`.
    words = [
        ("x", 1, 0, 0),
        ("x", 0, 1, 0),
        None,
        ("y", 1, 1, 0),
        ("y", 1, 1, 1),
        None,
        ("x", 1, 0, 0),
        ("x", 0, 0, 0),
        ("x", 0, 1, 0),
    ]
    found = [
        "O"
        if word is None
        else list(labels.ids)[
            table[labels.types.index(word[0])][
                word[1] + 2 * word[2] + 4 * word[3]
            ]
        ]
        for word in words
    ]
    assert found == labels.spelled(TAGS, "IOB2")


def test_a_missing_label_of_a_span_is_another_of_its_type():
    labels = LabelSet(["O", "B-x"], True)
    assert labels.ids_in_spans() == [[1] * 8]
