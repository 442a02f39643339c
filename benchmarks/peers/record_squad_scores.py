"""Runs tf-models-official's copies of SQuAD's scripts, to compare with.

Needs tf-models-official, and of this project only `squad_guesses.py`:

    python benchmarks/peers/record_squad_scores.py record tests/recorded
    python benchmarks/peers/record_squad_scores.py random SEED [FILE]

`record` writes scores of random guesses for the default test suite: at
questions made up here, and with `--data DIRECTORY` also at the published
files there. Of these it keeps no text: digests and figures only. The sums of
Python 3.11 and of later ones differ in the last digit, and each writes a
folder of its own: to renew the record, run it with both. `random` writes
guesses and scores to standard output, at the questions made up here or at
those of FILE. All is JSON; scores are an object with

- `v1`, of the questions that have an answer: what `evaluate` gives and
  `f1_sum`, the sum that it divides, both with a tenth of the guesses left out;
  and `each_f1`, the F1 of each guess with each answer;
- `v2`, of all questions: `scores`, what `evaluate` gives without its analysis
  of precision and recall; `threshold_scores`, with no answer above the
  threshold; and `each_f1`, as before.
"""

import argparse
import json
import pathlib
import sys

import squad_guesses
from absl import logging
from official.nlp.tools import squad_evaluate_v1_1 as v1
from official.nlp.tools import squad_evaluate_v2_0 as v2
from squad_guesses import questions

THRESHOLD = 0.37
# Their probabilities have 1, 2 and 9 digits; each guesses STRASSE for Straße.
MADE_UP_SEEDS = (31, 13, 29)
# One digit, and nine.
FILE_SEEDS = (1, 5)

# Context, and the answers to each question about it.
MADE_UP = (
    (
        "The well-known lighthouse at Sable Point, built in 1,874 days (a "
        "record!), is 38.5 m tall; its keeper, Mr. O'Neill-Ward, wrote \"A "
        'Year on the Rock" there.',
        (
            ["The well-known lighthouse", "well-known lighthouse"],
            ["1,874 days", "1874 days", "in 1,874 days (a record!)"],
            ["38.5 m", "38.5 m tall", "38.5"],
            ["Mr. O'Neill-Ward", "O'Neill-Ward", "its keeper"],
            ['"A Year on the Rock"', "A Year on the Rock"],
            [],
        ),
    ),
    (
        "Twenty-one ferries cross the U.S.–Canadian strait; an hourly one "
        "costs $4.50, the others €3 … or nothing at all. The the ferry of the "
        "a band The The is an odd one.",
        (
            ["Twenty-one", "Twenty-one ferries", "21"],
            ["U.S.–Canadian", "the U.S.–Canadian strait"],
            ["$4.50"],
            ["€3", "€3 … or nothing at all"],
            ["The The", "the a band The The"],
            ["The", "a"],
            ["…", "one"],
            [],
        ),
    ),
    (
        "Die Müllerstraße in Groß-Köris heißt seit 1919 „Straße der Bäcker“; "
        "dort aß die Bürgermeisterin am 3. Mai um 7:30 Uhr ein Brötchen für "
        "1,20 €.",
        (
            ["Müllerstraße", "Die Müllerstraße"],
            ["„Straße der Bäcker“", "Straße der Bäcker"],
            ["am 3. Mai um 7:30 Uhr", "3. Mai", "7:30 Uhr"],
            ["die Bürgermeisterin"],
            ["1,20 €", "für 1,20 €"],
            [],
        ),
    ),
    (
        "青石桥位于老城东门外，全长三十二米，由石匠陈安于１６８７年建成。桥上刻有“风平浪静”四字；"
        "The bridge 每年吸引约4.5万名游客。",
        (
            ["青石桥"],
            ["三十二米", "全长三十二米"],
            ["石匠陈安", "陈安"],
            ["１６８７年", "于1687年"],
            ["“风平浪静”", "风平浪静"],
            ["约4.5万名游客", "4.5万"],
            [],
        ),
    ),
    (
        "İzmir'de\u00a0naïve cafés — ‘Ça va?’ — sell e\u0301clairs\u2003and "
        "tea\tfor 2½ ₺ (ﬁne!) 🙂🙂 ... a-the-an / under_score A.",
        (
            ["İzmir'de", "İzmir"],
            ["naïve cafés", "İzmir'de\u00a0naïve cafés"],
            ["‘Ça va?’"],
            ["e\u0301clairs\u2003and tea", "éclairs"],
            ["2½ ₺ (ﬁne!)", "tea\tfor 2½ ₺"],
            ["🙂🙂", "🙂"],
            ["...", "🙂🙂 ..."],
            ["a-the-an", "under_score A."],
            ["A"],
            [],
        ),
    ),
)


def made_up() -> list[dict]:
    """Returns the questions above in SQuAD's format."""
    paragraphs = []
    for place, (context, all_answers) in enumerate(MADE_UP):
        asked = [
            {
                "id": f"{place}-{number}",
                "answers": [{"text": text} for text in answers],
            }
            for number, answers in enumerate(all_answers)
        ]
        paragraphs.append({"context": context, "qas": asked})
    return [{"paragraphs": paragraphs}]


def answered(articles: list[dict]) -> list[dict]:
    """Leaves out the questions without an answer."""
    return [
        {"paragraphs": [{"context": context, "qas": [question]}]}
        for question, context in questions(articles)
        if question["answers"]
    ]


def pairs(articles: list[dict], guesses: dict) -> list[tuple[str, str]]:
    return [
        (guesses[question["id"]], answer["text"])
        for question, _ in questions(articles)
        for answer in question["answers"]
    ]


def v1_scores(articles: list[dict], guesses: dict) -> dict:
    articles = answered(articles)
    some = squad_guesses.incomplete(guesses)
    f1_sum = 0
    for question, _ in questions(articles):
        if question["id"] in some:
            texts = [answer["text"] for answer in question["answers"]]
            f1_sum += v1._metric_max_over_ground_truths(
                v1._f1_score, some[question["id"]], texts
            )
    each = [v1._f1_score(*pair) for pair in pairs(articles, guesses)]
    return {
        **v1.evaluate(articles, some),
        "f1_sum": f1_sum,
        "each_f1": list(map(float, each)),
    }


def v2_scores(articles: list[dict], guesses: dict, probabilities: dict) -> dict:
    has_answer = v2._make_qid_to_has_ans(articles)
    exact, f1 = (
        v2._apply_no_ans_threshold(raw, probabilities, has_answer, THRESHOLD)
        for raw in v2._get_raw_scores(articles, guesses)
    )
    scores = v2.evaluate(articles, guesses, probabilities)
    each = [v2._compute_f1(t, guess) for guess, t in pairs(articles, guesses)]
    return {
        "scores": {k: v for k, v in scores.items() if not k.startswith("pr_")},
        "threshold_scores": v2._make_eval_dict(exact, f1),
        "each_f1": list(map(float, each)),
    }


def case(articles: list[dict], seed: int) -> dict:
    """Returns random guesses and what the scripts make of them."""
    guesses = squad_guesses.random_guesses(articles, seed)
    probabilities = squad_guesses.random_probabilities(guesses, seed)
    return {
        "guesses": guesses,
        "probabilities": probabilities,
        "threshold": THRESHOLD,
        "v1": v1_scores(articles, guesses),
        "v2": v2_scores(articles, guesses, probabilities),
    }


def figures(articles: list[dict], seed: int) -> dict:
    """Returns a case without texts, and without the scores of each guess."""
    found = case(articles, seed)
    guesses = [found.pop("guesses"), found.pop("probabilities")]
    for version in ("v1", "v2"):
        each = found[version].pop("each_f1")
        found[version]["each_f1_sha256"] = squad_guesses.digest(each)
    digest = squad_guesses.digest(guesses)
    return {"seed": seed, "guesses_sha256": digest, **found}


def write(path: pathlib.Path, value: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("record")
    verb.add_argument("directory", type=pathlib.Path)
    verb.add_argument("--data", type=pathlib.Path)
    verb = verbs.add_parser("random")
    verb.add_argument("seed", type=int)
    verb.add_argument("file", type=pathlib.Path, nargs="?")
    options = parser.parse_args()
    # They report every question without a guess.
    logging.set_verbosity(logging.FATAL)
    if options.verb == "random":
        articles = made_up()
        if options.file:
            articles = squad_guesses.read_articles(options.file)
        found = {"sums": squad_guesses.SUMS, **case(articles, options.seed)}
        json.dump(found, sys.stdout)
        return
    directory = options.directory / "squad_scores" / squad_guesses.SUMS
    cases = [case(made_up(), seed) for seed in MADE_UP_SEEDS]
    write(directory / "made_up.json", {"articles": made_up(), "cases": cases})
    if options.data:
        found = {}
        for name in squad_guesses.FILES:
            articles = squad_guesses.read_articles(options.data / name)
            found[name] = [figures(articles, seed) for seed in FILE_SEEDS]
        write(directory / "figures.json", found)


if __name__ == "__main__":
    main()
