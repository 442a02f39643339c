"""Runs scikit-learn, scipy and CMRC 2018's script, to compare with.

Needs NumPy, scikit-learn and scipy, and nothing of this project:

    python benchmarks/peers/record_measures.py record tests/recorded
    python benchmarks/peers/record_measures.py random SEED COUNT

`record` writes random cases and what the libraries answer, for the default
test suite, to `measures/correlations.json`; `random` writes the like to
standard output. Both are JSON, an object with two lists:

- `matthews`: `num_labels`, `truth`, `predicted` (labels), `weights` or null,
  and `coefficient`, of scikit-learn's `matthews_corrcoef`;
- `spearman`: `truth`, `predicted` (numbers with ties) and `coefficient`, of
  scipy's `spearmanr`.

    python benchmarks/peers/record_measures.py cmrc SCRIPT XQUAD tests/recorded

runs `baseline/cmrc2018_evaluate.py` of https://github.com/ymcui/cmrc2018,
which needs NLTK and its `punkt_tab`, on the questions of `xquad.zh.json.gz`
and on the texts below, and writes `measures/cmrc.json`. The file has numbers
alone of XQuAD:

- `xquad_zh`: `spans`, for each question the start and end of a guess in its
  context, `f1` of each, and `exact_match` and `f1_mean` in percent;
- `texts`: `answers`, `guess`, `exact_match` and `f1` of each case.
"""

import argparse
import gzip
import importlib.util
import json
import pathlib
import random
import sys
import warnings

# True answers, and a guess.
TEXTS = (
    (["北京大学"], "北京大学"),
    (["北京大学"], "在北京大学。"),
    (["《红楼梦》"], "红楼梦"),
    (["1998 年 5 月", "一九九八年"], "1998年5月"),
    (["约 1,000 米"], "1,000米"),
    (["大约3.5%的人口"], "3.5%"),
    (["ABC公司（美国）"], "abc 公司"),
    (["使用 Linux 的系统"], "Linux系统"),
    (["哈利·波特"], "波特·哈利"),
    (["东南西北"], "东西南北"),
    (["所谓“新人”"], '所谓"新人"'),
    (['他说 "hello" 和 "bye"'], 'hello" 和 "bye'),
    (["the John's house 的主人"], "John's 的主人"),
    (["they don't 知道"], "do n't 知道"),
    (["1990–1995 年间"], "1990 – 1995年间"),
    (["U.S. 总统"], "u.s. 总统"),
    (["等等..."], "等等"),
    (["没有"], ""),
    (["。"], "！"),
    (["上海", "上海市"], "上海市区"),
    (["No answer here."], "no answer here"),
)


def matthews_case(generator, largest):
    """Returns labels, some of them guessed right, and their coefficient."""
    from sklearn.metrics import matthews_corrcoef

    num_labels = generator.randint(2, 6)
    count = generator.randint(1, largest)
    # A label may be all there is, or never be predicted.
    shares = [generator.random() ** 3 for _ in range(num_labels)]
    right = generator.random()
    truth = generator.choices(range(num_labels), shares, k=count)
    others = generator.choices(range(num_labels), shares, k=count)
    predicted = [
        label if generator.random() < right else other
        for label, other in zip(truth, others)
    ]
    weights = None
    if generator.random() < 0.5:
        weights = [generator.choice([0.0, 0.5, 1.0, 2.25]) for _ in truth]
        weights[0] = 1.0
    return {
        "num_labels": num_labels,
        "truth": truth,
        "predicted": predicted,
        "weights": weights,
        "coefficient": float(
            matthews_corrcoef(truth, predicted, sample_weight=weights)
        ),
    }


def spearman_case(generator, largest):
    """Returns numbers, many of them equal, and their coefficient."""
    from scipy.stats import spearmanr

    while True:
        count = generator.randint(2, largest)
        digits = generator.choice([0, 1, 5])
        noise = generator.choice([0.1, 1.0, 10.0])
        truth = [round(generator.uniform(0, 5), digits) for _ in range(count)]
        predicted = [
            round(score + generator.gauss(0, noise), digits) for score in truth
        ]
        # Of a constant scipy's is not a number.
        if len(set(truth)) > 1 and len(set(predicted)) > 1:
            break
    return {
        "truth": truth,
        "predicted": predicted,
        "coefficient": float(spearmanr(truth, predicted).statistic),
    }


def correlations(seed, count, largest):
    """Returns random cases and what scikit-learn and scipy answer."""
    generator = random.Random(seed)
    return {
        name: [case(generator, largest) for _ in range(count)]
        for name, case in (
            ("matthews", matthews_case),
            ("spearman", spearman_case),
        )
    }


def cmrc(script, xquad):
    """Returns guesses and what CMRC's script answers."""
    spec = importlib.util.spec_from_file_location("cmrc", script)
    official = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(official)
    with gzip.open(xquad, "rt", encoding="utf-8") as stream:
        data = json.load(stream)
    generator = random.Random(7)
    spans, f1, guesses = [], [], {}
    for article in data["data"]:
        for paragraph in article["paragraphs"]:
            context = paragraph["context"]
            for question in paragraph["qas"]:
                answer = question["answers"][0]
                start = answer["answer_start"]
                end = start + len(answer["text"])
                start, end = (
                    place + generator.choice([-9, -2, -1, 0, 0, 0, 1, 2, 9])
                    for place in (start, end)
                )
                start = max(start, 0)
                end = max(start, min(end, len(context)))
                spans.append([start, end])
                guess = guesses[question["id"]] = context[start:end]
                texts = [found["text"] for found in question["answers"]]
                f1.append(official.calc_f1_score(texts, guess))
    f1_mean, exact_match, *_ = official.evaluate(data, guesses)
    return {
        "xquad_zh": {
            "spans": spans,
            "f1": f1,
            "exact_match": exact_match,
            "f1_mean": f1_mean,
        },
        "texts": [
            {
                "answers": answers,
                "guess": guess,
                "exact_match": official.calc_em_score(answers, guess),
                "f1": official.calc_f1_score(answers, guess),
            }
            for answers, guess in TEXTS
        ],
    }


def write(target, found):
    """Writes a dict of lists and dicts as JSON, an entry on a line."""
    target.parent.mkdir(exist_ok=True)
    parts = []
    for name, entries in found.items():
        is_list = isinstance(entries, list)
        lines = [
            json.dumps(entry, ensure_ascii=False)
            for entry in (entries if is_list else [entries])
        ]
        text = ",\n".join(lines)
        parts.append(f'"{name}": ' + (f"[\n{text}\n]" if is_list else text))
    text = "{" + ",\n".join(parts) + "}\n"
    target.write_text(text, "utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("record")
    verb.add_argument("directory", type=pathlib.Path)
    verb = verbs.add_parser("random")
    verb.add_argument("seed", type=int)
    verb.add_argument("count", type=int)
    verb = verbs.add_parser("cmrc")
    verb.add_argument("script", type=pathlib.Path)
    verb.add_argument("xquad", type=pathlib.Path)
    verb.add_argument("directory", type=pathlib.Path)
    options = parser.parse_args()
    # Of truth and guesses with one label.
    warnings.simplefilter("ignore")
    if options.verb == "random":
        json.dump(correlations(options.seed, options.count, 300), sys.stdout)
    elif options.verb == "record":
        write(
            options.directory / "measures" / "correlations.json",
            correlations(2, 30, 25),
        )
    else:
        write(
            options.directory / "measures" / "cmrc.json",
            cmrc(options.script, options.xquad),
        )


if __name__ == "__main__":
    main()
