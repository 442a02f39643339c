"""Tag schemes by hand, and readings as seqeval recorded them."""

import json
import pathlib
import re

import pytest

from keras_bert_zoo.errors import InputError
from task_heads.tagging.schemes import convert
from task_heads.tagging.schemes import count_invalid
from task_heads.tagging.schemes import detect_scheme
from task_heads.tagging.schemes import entities
from task_heads.tagging.schemes import strict_entities

ROOT = pathlib.Path(__file__).parents[3]
# Written by benchmarks/peers/record_seqeval.py.
RECORDED = json.loads(
    (ROOT / "tests/recorded/seqeval/cases.json").read_text("utf-8")
)["readings"]
LENIENT = [case for case in RECORDED if "lenient" in case]
STRICT = [
    (scheme, case["tags"], expected)
    for case in RECORDED
    for scheme, expected in case["strict"].items()
]
PREFIXED = [
    case["tags"]
    for case in LENIENT
    if all(re.fullmatch("O|[BIES]-.+", tag) for tag in case["tags"])
]

# The same three entities, the first two side by side.
SPELLINGS = {
    "IOB1": "I-X I-X B-X O I-Y I-Y I-Y",
    "IOB2": "B-X I-X B-X O B-Y I-Y I-Y",
    "IOBES": "B-X E-X S-X O B-Y I-Y E-Y",
}


def as_lists(found):
    return [list(entity) for entity in found]


@pytest.mark.parametrize("case", LENIENT, ids=lambda c: " ".join(c["tags"]))
def test_lenient_reading_equals_seqeval(case):
    found = entities(case["tags"], suffix=case["suffix"])
    assert as_lists(found) == case["lenient"]


@pytest.mark.parametrize(("scheme", "tags", "expected"), STRICT, ids=str)
def test_strict_reading_equals_seqeval(scheme, tags, expected):
    scheme = scheme.replace("BILOU", "IOBES")
    assert as_lists(strict_entities(tags, scheme)) == expected


def test_bilou_reads_leniently_as_iobes_does():
    assert entities("U-X U-X B-X L-X B-X I-X L-X".split()) == entities(
        "S-X S-X B-X E-X B-X I-X E-X".split()
    )


def test_an_end_is_exclusive():
    (entity,) = entities(["O", "B-person", "I-person", "O"])
    assert (entity.type, entity.start, entity.end) == ("person", 1, 3)


@pytest.mark.parametrize(
    ("scheme", "corpus"),
    [
        *((scheme, [tags]) for scheme, tags in SPELLINGS.items()),
        ("IOB1", ["I-X I-X O I-Y"]),
        ("IOB1", ["I-X I-Y", "O I-X B-X"]),
        ("IOB2", ["B-X I-X", "O O"]),
        ("IOB2", ["B-X B-X B-Y"]),
        ("IOB2", ["O O", ""]),
        ("IOB2", ["I-X O B-X"]),
        ("IOB2", ["B-X I-Y"]),
        ("IOBES", ["B-X I-X", "S-X"]),
        ("IOBES", ["B-X L-X U-X"]),
        ("none", ["DET NOUN", "O"]),
        ("none", ["B I", "B"]),
        ("none", ["B I O", "X"]),
        ("IOB2", ["B I O"]),
        ("none", ["O I I O"]),
        ("none", ["O E E O"]),
        ("IOB1", ["O I I B O"]),
        ("IOBES", ["B I E O S"]),
        ("none", ["B- I- O"]),
    ],
    ids=str,
)
def test_scheme_is_detected(scheme, corpus):
    assert detect_scheme(tags.split() for tags in corpus) == scheme


@pytest.mark.parametrize(
    "corpus", [["B-X I-X", "O person"], ["word", "B-X"], ["B-X O B-"]], ids=str
)
def test_a_corpus_of_two_kinds_of_tags_is_refused(corpus):
    with pytest.raises(
        InputError, match="all tags but O .* Received: '[BI]-X' a"
    ):
        detect_scheme(tags.split() for tags in corpus)


@pytest.mark.parametrize("tag", ["", None, 3])
def test_a_tag_must_be_a_string(tag):
    with pytest.raises(InputError, match=f"not empty. Received: {tag!r}. Word"):
        detect_scheme([["O", tag]])


@pytest.mark.parametrize(
    ("scheme", "tags", "expected"),
    [
        *((scheme, tags, 0) for scheme, tags in SPELLINGS.items()),
        ("IOB2", "I-X I-X O I-X", 2),
        ("IOB2", "B-X I-Y I-X", 2),
        ("IOB1", "B-X I-X O", 1),
        ("IOB1", "I-X B-Y B-Y", 1),
        ("IOBES", "B-X O", 1),
        ("IOBES", "I-X", 2),
        ("IOBES", "S-X E-X B-X", 2),
        ("IOBES", "B-X I-Y E-Y U-Y", 1),
        ("none", "NOUN VERB", 0),
        ("IOB2", "", 0),
    ],
)
def test_invalid_transitions_are_counted(scheme, tags, expected):
    assert count_invalid(tags.split(), scheme) == expected


@pytest.mark.parametrize("target", SPELLINGS)
@pytest.mark.parametrize("source", SPELLINGS)
def test_valid_tags_convert_both_ways(source, target):
    converted = convert(SPELLINGS[source].split(), source, target)
    assert " ".join(converted) == SPELLINGS[target]


@pytest.mark.parametrize("target", SPELLINGS)
@pytest.mark.parametrize("tags", PREFIXED, ids=" ".join)
def test_converting_mends_and_keeps_the_entities(tags, target):
    converted = convert(tags, "IOBES", target)
    assert count_invalid(converted, target) == 0
    assert entities(converted) == entities(tags)


def test_tags_without_prefixes_convert_to_themselves():
    assert convert(["DET", "NOUN"], "none", "none") == ["DET", "NOUN"]


def test_tags_without_prefixes_convert_to_no_scheme():
    with pytest.raises(InputError, match="source='none', target='IOB2'. Ch"):
        convert(["DET"], "none", "IOB2")


@pytest.mark.parametrize("tag", ["E-X", "DET", "S", "O-X"])
def test_a_tag_of_another_scheme_is_refused(tag):
    rule = f"A tag of IOB2 must be O .* B-, I-. Received: '{tag}'. Give the"
    with pytest.raises(InputError, match=rule):
        convert(["O", tag], "IOB2", "IOBES")


def test_a_strict_reading_refuses_a_tag_of_another_scheme():
    with pytest.raises(InputError, match="A tag of IOB1 .*Received: 'S-X'"):
        strict_entities(["S-X"], "IOB1")


def test_an_unknown_scheme_is_refused():
    rule = "one of IOB1, IOB2, IOBES, none. Received: 'BILOU'"
    with pytest.raises(InputError, match=rule):
        count_invalid(["O"], "BILOU")


def test_a_strict_reading_needs_prefixes():
    rule = "one of IOB1, IOB2, IOBES. Received: 'none'. Tags without"
    with pytest.raises(InputError, match=rule):
        strict_entities(["NOUN"], "none")
