"""Questions a second: training a span QA head, and answering with it.

    python -m benchmarks.speed_span_qa [--train 320] [--answer 640]
                                       [--rounds 5] [--whole]

MiniLM on questions of SQuAD 1.1's development file, taken evenly from all of
it, float32, sequences of at most 384 tokens that overlap by 128, raw text to
loss or answer. Ours groups sequences of like length; the PyTorch loop pads
each batch to its longest sequence, random batches in training and batches of
like length in answering; the fixed contenders pad every sequence to 384
tokens. A process each, two threads each, one pass in turn. With `--whole`,
instead of all that, ours answers every question of the file once, and so does
its fixed loop, with nothing done before that is not counted.
`KBZ_PEERS_PYTHON` names the interpreter with PyTorch.
"""

import argparse
import pathlib
import tempfile

from benchmarks import harness
from benchmarks.span_qa_contenders import recipe

CONTENDERS = {
    "train": ("keras_bert_zoo", "pytorch"),
    "answer": (
        "keras_bert_zoo",
        "keras_bert_zoo_fixed",
        "pytorch",
        "pytorch_fixed",
    ),
}
IN_PEERS = ("pytorch", "pytorch_fixed")


# Ours against itself: what the padding costs.
WHOLE = ("keras_bert_zoo", "keras_bert_zoo_fixed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=320)
    parser.add_argument("--answer", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--whole", action="store_true", help="answer every question once"
    )
    options = parser.parse_args()
    results = {"machine": harness.machine()}
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch) / "huggingface"
        export(directory)
        if options.whole:
            num_questions = len(recipe.read("all"))
            results["answer"] = measure(
                "answer", num_questions, WHOLE, directory, rounds=1, warm_ups=0
            )
            harness.write_result("speed_span_qa_whole", results)
        else:
            results["rounds"] = options.rounds
            for work, names in CONTENDERS.items():
                results[work] = measure(
                    work,
                    getattr(options, work),
                    names,
                    directory,
                    rounds=options.rounds,
                )
            harness.write_result("speed_span_qa", results)
    print(report(results))


def measure(
    work: str, num_questions: int, names, directory: pathlib.Path, **turns
) -> dict:
    """Returns the questions a second of some contenders."""
    cell = {
        "work": work,
        "num_questions": num_questions,
        "huggingface": str(directory),
    }
    with harness.children(
        "benchmarks.span_qa_contenders", names, in_peers=IN_PEERS
    ) as children:
        timings = harness.compare(children, cell, **turns)
    return {
        "num_questions": num_questions,
        "questions_per_second": {
            name: num_questions / timing.median_seconds
            for name, timing in timings.items()
        },
    }


def export(directory: pathlib.Path) -> None:
    """Writes MiniLM with a new span QA head for transformers."""
    import keras_bert_zoo as zoo

    model = zoo.TaskModel.from_preset("minilm_l6_en_uncased", head="span_qa")
    model.save_to_preset(directory)


def report(results: dict) -> str:
    """Returns the table of the results."""
    rows = []
    for work in filter(results.get, CONTENDERS):
        found = results[work]["questions_per_second"]
        ours = found["keras_bert_zoo"]
        rows += [
            (work, name, f"{speed:.1f}", f"{ours / speed:.2f}")
            for name, speed in found.items()
        ]
    header = ("work", "contender", "questions/s", "ours, times as many")
    return harness.table(header, rows)


if __name__ == "__main__":
    main()
