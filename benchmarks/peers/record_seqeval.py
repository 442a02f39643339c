"""Runs seqeval, to compare with.

Needs seqeval, and nothing of this project:

    python benchmarks/peers/record_seqeval.py record tests/recorded
    python benchmarks/peers/record_seqeval.py random SEED COUNT

`record` writes random cases and what seqeval answers, for the default test
suite; `random` writes the like to standard output. Both are JSON, an object
with two lists:

- `readings`: `tags`; `suffix`; `lenient`, the entities `[type, start, end]`
  with the end exclusive; and `strict`, scheme -> entities, for the schemes
  that have all the prefixes of the tags;
- `reports`: `gold`, `predicted`, `scheme` (null: default mode), `scores`
  (row of the report -> precision, recall, F1, support) and `accuracy`.
"""

import argparse
import json
import pathlib
import random
import sys
import warnings

from seqeval import scheme as schemes
from seqeval.metrics import accuracy_score
from seqeval.metrics import classification_report
from seqeval.metrics.sequence_labeling import get_entities

LETTERS = {
    "IOB1": "BI",
    "IOB2": "BI",
    "IOBES": "BIES",
    "BILOU": "BILU",
}
FEW_TYPES = (["A"], ["A", "B"], ["per-son", "A", "X-"])
# seqeval adds with NumPy, whose order depends on how many there are.
MANY_TYPES = tuple([f"T{i}" for i in range(n)] for n in (7, 8, 17, 300))
ROWS = ("precision", "recall", "f1-score", "support")


def random_tags(generator, letters, types, length, odd=0.05):
    """Returns tags of which a few have no hyphen, two, or no type."""
    tags = []
    for _ in range(length):
        letter = generator.choice(letters + "OO")
        name = generator.choice(types)
        if letter == "O":
            tags.append("O")
        elif generator.random() < odd:
            tags.append(letter + generator.choice(["", name, f"--{name}"]))
        else:
            tags.append(f"{letter}-{name}")
    return tags


def reading(generator, longest):
    """Returns a sentence's tags and the entities in them."""
    types = generator.choice(FEW_TYPES)
    letters = generator.choice(["BI", "BIES", "I", "IE", "BILU", "BIESX.N"])
    length = generator.randrange(1, longest)
    # Without a hyphen, this project takes L and U for other letters.
    odd = 0.0 if letters == "BILU" else 0.05
    tags = random_tags(generator, letters, types, length, odd)
    suffix = letters != "BILU" and generator.random() < 0.3
    if suffix:
        tags = [f"{t[2:]}-{t[0]}" if t[1:2] == "-" else t for t in tags]
    case = {"tags": tags, "suffix": suffix, "strict": {}}
    if letters != "BILU":
        found = get_entities(tags, suffix)
        case["lenient"] = [(name, start, end + 1) for name, start, end in found]
    for scheme, allowed in LETTERS.items():
        if not suffix and {tag[0] for tag in tags} <= set(allowed + "O"):
            tokens = schemes.Tokens(tags, getattr(schemes, scheme))
            case["strict"][scheme] = [
                (entity.tag, entity.start, entity.end)
                for entity in tokens.entities
            ]
    return case


def report(generator, scheme, types, num_sentences):
    """Returns true and predicted tags and their scores."""
    letters = LETTERS.get(scheme, "BIES")
    gold, predicted = [], []
    for _ in range(num_sentences):
        length = generator.randrange(1, 12)
        gold.append(random_tags(generator, letters, types, length))
        noise = random_tags(generator, letters, types, length)
        predicted.append(
            [
                true if generator.random() < 0.7 else other
                for true, other in zip(gold[-1], noise)
            ]
        )
    options = {}
    if scheme:
        options = {"mode": "strict", "scheme": getattr(schemes, scheme)}
    rows = classification_report(gold, predicted, output_dict=True, **options)
    return {
        "gold": gold,
        "predicted": predicted,
        "scheme": scheme,
        "scores": {
            name: [float(row[key]) for key in ROWS]
            for name, row in rows.items()
        },
        "accuracy": accuracy_score(gold, predicted),
    }


def cases(seed, num_readings, num_reports, longest, most_types):
    """Returns random cases and what seqeval answers."""
    generator = random.Random(seed)
    many_types = [types for types in MANY_TYPES if len(types) <= most_types]
    reports = []
    while len(reports) < num_reports:
        scheme = (None, "IOB1", "IOB2", "IOBES")[len(reports) % 4]
        some = many_types if len(reports) % 5 == 4 else FEW_TYPES
        types = generator.choice(some)
        num_sentences = generator.randint(1, 2) * len(types)
        found = report(generator, scheme, types, num_sentences)
        # Without entities seqeval's means are not numbers.
        if found["scores"]["micro avg"][-1]:
            reports.append(found)
    readings = [reading(generator, longest) for _ in range(num_readings)]
    return {"readings": readings, "reports": reports}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("record")
    verb.add_argument("directory", type=pathlib.Path)
    verb = verbs.add_parser("random")
    verb.add_argument("seed", type=int)
    verb.add_argument("count", type=int)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.verb == "random":
        found = cases(options.seed, options.count, options.count // 20, 20, 300)
        json.dump(found, sys.stdout)
        return
    target = options.directory / "seqeval" / "cases.json"
    target.parent.mkdir(exist_ok=True)
    with open(target, "w", encoding="utf-8") as stream:
        stream.write('{"readings": [\n')
        recorded = cases(2, 60, 8, 10, 20)
        lines = map(json.dumps, recorded["readings"])
        stream.write(",\n".join(lines) + '\n], "reports": [\n')
        lines = map(json.dumps, recorded["reports"])
        stream.write(",\n".join(lines) + "\n]}\n")


if __name__ == "__main__":
    main()
