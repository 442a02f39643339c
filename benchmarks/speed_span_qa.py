"""Questions a second: training a span QA head, and answering with it.

    python -m benchmarks.speed_span_qa [--train 320] [--answer 640]
                                       [--rounds 5]

MiniLM on questions of SQuAD 1.1's development file, taken evenly from all of
it, float32, sequences of at most 384 tokens that overlap by 128, raw text to
loss or answer. Ours groups sequences of like length; the PyTorch loop pads
each batch to its longest sequence, random batches in training and batches of
like length in answering; the fixed contenders pad every sequence to 384
tokens. A process each, two threads each, one pass in turn. `--answer 10570`
takes the whole file. `KBZ_PEERS_PYTHON` names the interpreter with PyTorch.
"""

import argparse
import pathlib
import tempfile

from benchmarks import harness

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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=320)
    parser.add_argument("--answer", type=int, default=640)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    results = {"machine": harness.machine(), "rounds": options.rounds}
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch) / "huggingface"
        export(directory)
        for work, names in CONTENDERS.items():
            num_questions = getattr(options, work)
            cell = {
                "work": work,
                "num_questions": num_questions,
                "huggingface": str(directory),
            }
            with harness.children(
                "benchmarks.span_qa_contenders", names, in_peers=IN_PEERS
            ) as children:
                timings = harness.compare(children, cell, options.rounds)
            results[work] = {
                "num_questions": num_questions,
                "questions_per_second": {
                    name: num_questions / timing.median_seconds
                    for name, timing in timings.items()
                },
            }
    harness.write_result("speed_span_qa", results)
    print(report(results))


def export(directory: pathlib.Path) -> None:
    """Writes MiniLM with a new span QA head for transformers."""
    import keras_bert_zoo as zoo

    model = zoo.TaskModel.from_preset("minilm_l6_en_uncased", head="span_qa")
    zoo.save_huggingface(
        model.encoder,
        model.tokenizer,
        directory,
        head=model.head.get_weights(model),
    )


def report(results: dict) -> str:
    """Returns the table of the results."""
    rows = []
    for work in CONTENDERS:
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
