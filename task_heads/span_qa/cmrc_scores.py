"""Scores of answers in Chinese and Japanese, character by character.

SQuAD's scores compare words between spaces, which these scripts do without.
"""

import re
from collections.abc import Mapping
from collections.abc import Sequence

from task_heads.span_qa.squad_scores import check_texts

# Compared one by one: the ideographs of CMRC's script, and for Japanese the
# mark of a repeated one and kana.
_CHARACTER = re.compile("[\u4e00-\u9fa5\u3005\u3040-\u30ff]")

# Left out before answers are compared.
_PUNCTUATION = str.maketrans(
    "", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"
)

# What the tokenizer of the Penn Treebank writes apart from words, in the order
# in which it does: an opening quotation mark, the closing one, punctuation, a
# text's last full stop, and what is contracted with the word before it.
_APART = (
    (re.compile(r"""(^|[\s(\[{<])(?:"|'')"""), r"\1 `` "),
    (re.compile(r"\"|''"), " '' "),
    (
        re.compile(r"\.{2,}|[;@#$%&?!()\[\]{}<>«»‘„\u2012-\u2015]|,(?!\d)"),
        r" \g<0> ",
    ),
    (re.compile(r"(?<=[^.])\.(?=[)\]}>'»\s]*$)"), " . "),
    (
        re.compile(r"(?<=[^'\s])('(?:s|m|d|ll|re|ve)(?!\w)|n't(?!\w)|'(?!\w))"),
        r" \1 ",
    ),
)


def has_characters(text: str) -> bool:
    """Returns whether a text has characters that are compared one by one."""
    return _CHARACTER.search(text) is not None


def cmrc_scores(
    gold: Mapping[str, Sequence[str]], predictions: Mapping[str, str]
) -> dict[str, float]:
    """Returns the scores of CMRC 2018.

    Both compare texts in lower case, without the punctuation of its script.
    F1 is that of the longest run of characters and words that two answers
    have in common. A question scores as high as with the one of its answers
    that fits best; one without answers scores if the prediction is empty.
    Questions without prediction score 0; predictions without question are
    ignored.

    Args:
        gold: id of a question -> texts of its answers, if any.
        predictions: id -> text of the predicted answer, `""` for none.

    Returns:
        dict with `cmrc_exact_match` and `cmrc_f1`, in percent.

    Raises:
        InputError: if there is no question, or a text is not a string.

    Source: Cui et al., 2019 (arXiv:1810.07366), section 4, and its script,
    which takes a run of kana for one word. It splits Latin text with NLTK:
    words are the same here, but a text is not split into sentences first.
    """
    check_texts(gold, predictions)
    exact = f1 = 0
    for name, texts in gold.items():
        if name not in predictions:
            continue
        guess = predictions[name]
        if not texts:
            exact += not guess
            f1 += not guess
            continue
        exact += any(_plain(guess) == _plain(text) for text in texts)
        f1 += max(_f1(_segments(guess), _segments(text)) for text in texts)
    return {
        "cmrc_exact_match": 100.0 * exact / len(gold),
        "cmrc_f1": 100.0 * f1 / len(gold),
    }


def _plain(text: str) -> str:
    return text.lower().strip().translate(_PUNCTUATION)


def _segments(text: str) -> list[str]:
    """Returns the characters and words of an answer, in order."""
    text, segments, end = _plain(text), [], 0
    for match in _CHARACTER.finditer(text):
        segments += _words(text[end : match.start()])
        segments.append(match[0])
        end = match.end()
    return segments + _words(text[end:])


def _words(text: str) -> list[str]:
    for pattern, replacement in _APART:
        text = pattern.sub(replacement, text)
    return text.split()


def _f1(guess: list[str], truth: list[str]) -> float:
    num_same = _longest_common_run(guess, truth)
    if num_same == 0:
        return 0.0
    precision = num_same / len(guess)
    recall = num_same / len(truth)
    return (2 * precision * recall) / (precision + recall)


def _longest_common_run(first: list[str], second: list[str]) -> int:
    longest = 0
    # How long the run is that ends at each segment of `second`.
    lengths = [0] * len(second)
    for segment in first:
        before = [0, *lengths]
        lengths = [
            before[index] + 1 if segment == other else 0
            for index, other in enumerate(second)
        ]
        longest = max(longest, *lengths, 0)
    return longest
