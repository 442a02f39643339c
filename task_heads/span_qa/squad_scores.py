"""Scores of predicted answers, as SQuAD's own scripts compute them."""

import numbers
import re
import string
from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

from keras_bert_zoo.errors import InputError

# Most ids that an error message lists.
SHOWN_IDS = 5

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Returns a text as answers are compared.

    In lower case, without ASCII punctuation, then without the words `a`,
    `an` and `the`, with single spaces and none at the ends. Removing
    punctuation joins words: `twenty-one` becomes `twentyone`.
    """
    text = text.lower().translate(_NO_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact_match(prediction: str, gold: str) -> bool:
    """Returns whether two answers are the same once normalized."""
    return normalize_answer(prediction) == normalize_answer(gold)


def token_f1(prediction: str, gold: str, empty_matches: bool = True) -> float:
    """Returns the F1 of the words that two normalized answers share.

    Args:
        prediction: str. The predicted answer.
        gold: str. The true one.
        empty_matches: bool. Whether two answers without any word score 1, as
            in SQuAD 2.0, where they mean "no answer", or 0, as in 1.1. One
            without any word against one with some is 0 in both.

    Returns:
        float in [0, 1].
    """
    guess = normalize_answer(prediction).split()
    truth = normalize_answer(gold).split()
    if not guess and not truth:
        return float(empty_matches)
    num_same = (Counter(guess) & Counter(truth)).total()
    if num_same == 0:
        return 0.0
    precision = num_same / len(guess)
    recall = num_same / len(truth)
    return (2 * precision * recall) / (precision + recall)


def squad_v1_scores(
    gold: Mapping[str, Sequence[str]], predictions: Mapping[str, str]
) -> dict[str, float]:
    """Returns the scores of SQuAD 1.1, where every question has an answer.

    A question scores as high as with the one of its answers that fits best.
    Questions without prediction score 0; predictions without question are
    ignored.

    Args:
        gold: id of a question -> texts of its answers, at least one.
        predictions: id -> text of the predicted answer.

    Returns:
        dict with `exact_match` and `f1`, in percent, and `total`, the number
        of questions.

    Raises:
        InputError: if there is no question, one has no answer, or a text is
            not a string.

    Source: Rajpurkar et al., 2016 (arXiv:1606.05250), section 6.1; equal to
    the official evaluate-v1.1.py to the last digit.
    """
    check_texts(gold, predictions)
    unanswered = [name for name, texts in gold.items() if not texts]
    if unanswered:
        raise InputError(
            "In SQuAD 1.1 every question must have an answer. Received none "
            f"for {_listed(unanswered)}. Score with squad_v2_scores."
        )
    exact = f1 = 0
    for name, texts in gold.items():
        if name in predictions:
            guess = predictions[name]
            exact += max(exact_match(guess, text) for text in texts)
            f1 += max(token_f1(guess, text, False) for text in texts)
    return {
        "exact_match": 100.0 * exact / len(gold),
        "f1": 100.0 * f1 / len(gold),
        "total": len(gold),
    }


def squad_v2_scores(
    gold: Mapping[str, Sequence[str]],
    predictions: Mapping[str, str],
    no_answer_probabilities: Mapping[str, float] | None = None,
    threshold: float = 1.0,
) -> dict[str, float]:
    """Returns the scores of SQuAD 2.0, where questions may have no answer.

    A prediction counts as "no answer" if it is empty, or if the question's
    no-answer probability is above the threshold. Predictions and
    probabilities without question are ignored.

    Args:
        gold: id of a question -> texts of its answers, none if it cannot be
            answered. A text without any word, normalized, is as none.
        predictions: id -> text of the predicted answer, `""` for none; one
            for each question.
        no_answer_probabilities: id -> number that grows with the belief that
            there is no answer, one for each question; any scale will do.
        threshold: float, on the same scale.

    Returns:
        dict with

        - `exact` and `f1`, in percent, and `total`, the number of questions;
        - `HasAns_exact`, `HasAns_f1`, `HasAns_total`: the same of questions
          with an answer, and `NoAns_*` of those without, if there are any;
        - given probabilities, `best_exact` and `best_f1`, in percent: the
          highest scores on the way from no question answered to all, by
          rising probability, and `best_exact_thresh` and `best_f1_thresh`,
          the lowest threshold that gives them (0.0 for none answered). Of
          questions with equal probabilities, which no threshold can part,
          those first in the mapping are answered first.

    Raises:
        InputError: if there is no question, a question has no prediction or
            no probability, a text is not a string, or a probability not a
            number.

    Source: Rajpurkar et al., 2018 (arXiv:1806.03822); equal to the official
    evaluate-v2.0.py to the last digit.
    """
    check_texts(gold, predictions)
    _check_complete("prediction", gold, predictions, 'give "" for no answer')
    raw = _raw_scores(gold, predictions)
    final = raw
    if no_answer_probabilities is not None:
        _check_probabilities(gold, no_answer_probabilities)
        final = {
            metric: {
                name: float(not gold[name])
                if no_answer_probabilities[name] > threshold
                else score
                for name, score in scores.items()
            }
            for metric, scores in raw.items()
        }
    result = _means(final, list(gold))
    groups = {
        "HasAns": [name for name, texts in gold.items() if texts],
        "NoAns": [name for name, texts in gold.items() if not texts],
    }
    for group, names in groups.items():
        if names:
            means = _means(final, names)
            result.update({f"{group}_{k}": v for k, v in means.items()})
    if no_answer_probabilities is not None:
        for metric, scores in raw.items():
            best, best_threshold = _best(
                gold, predictions, scores, no_answer_probabilities
            )
            result[f"best_{metric}"] = best
            result[f"best_{metric}_thresh"] = best_threshold
    return result


def _raw_scores(gold: Mapping, predictions: Mapping) -> dict[str, dict]:
    scores = {"exact": {}, "f1": {}}
    for name, texts in gold.items():
        guess = predictions[name]
        kept = [text for text in texts if normalize_answer(text)] or [""]
        scores["exact"][name] = max(exact_match(guess, text) for text in kept)
        f1 = max(token_f1(guess, text) for text in kept)
        # An integer, as in the script: from Python 3.12 on, `sum` compensates
        # for rounding where it adds floats, and only there.
        scores["f1"][name] = f1 if kept != [""] else int(f1)
    return scores


def _means(scores: dict[str, dict], names: list[str]) -> dict[str, float]:
    means = {
        metric: 100.0 * sum(values[name] for name in names) / len(names)
        for metric, values in scores.items()
    }
    return {**means, "total": len(names)}


def _best(
    gold: Mapping, predictions: Mapping, scores: dict, probabilities: Mapping
) -> tuple[float, float]:
    """Returns the highest score in percent, and its threshold."""
    # With no question answered, those that cannot be are right.
    current = best = sum(not texts for texts in gold.values())
    best_threshold = 0.0
    for name in sorted(probabilities, key=probabilities.get):
        if name not in gold:
            continue
        if gold[name]:
            current += scores[name]
        elif predictions[name]:
            current -= 1
        if current > best:
            best = current
            best_threshold = float(probabilities[name])
    return 100.0 * best / len(gold), best_threshold


def check_texts(gold: Mapping, predictions: Mapping) -> None:
    """Raises `InputError` for texts that `squad_v1_scores` does not take."""
    if not gold:
        raise InputError(
            "There must be at least one question to score. Received: none. "
            "Check that the file has questions with labels."
        )
    for name, texts in gold.items():
        proper = isinstance(texts, Sequence) and not isinstance(texts, str)
        if not proper or not all(isinstance(text, str) for text in texts):
            raise InputError(
                "The true answers to a question must be a list of strings. "
                f"Received for {name!r}: {texts!r:.60}. Give a list, also of "
                "a single answer."
            )
    for name, text in predictions.items():
        if not isinstance(text, str):
            raise InputError(
                "A predicted answer must be a string. Received for "
                f'{name!r}: {text!r:.60}. Give "" for no answer.'
            )


def _check_complete(
    noun: str, gold: Mapping, given: Mapping, remedy: str
) -> None:
    missing = [name for name in gold if name not in given]
    if missing:
        raise InputError(
            f"Every question must have a {noun}. Received none for "
            f"{_listed(missing)}. Predict all questions; {remedy}."
        )


def _check_probabilities(gold: Mapping, probabilities: Mapping) -> None:
    _check_complete(
        "no-answer probability", gold, probabilities, "or leave them all out"
    )
    for name, value in probabilities.items():
        if not isinstance(value, numbers.Real) or value != value:
            raise InputError(
                "A no-answer probability must be a number. Received for "
                f"{name!r}: {value!r:.60}. Check the model's outputs."
            )


def _listed(names: Iterable[str]) -> str:
    names = [repr(name) for name in names]
    shown = ", ".join(names[:SHOWN_IDS])
    more = len(names) - SHOWN_IDS
    return shown if more <= 0 else f"{shown} and {more} more"
