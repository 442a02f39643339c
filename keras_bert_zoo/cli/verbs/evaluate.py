"""Evaluates a trained model on labelled texts."""

import argparse
import json
import os

from keras_bert_zoo.cli import data_flags
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.cli.trained_model import load_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_DIR")
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--batch-size", type=parsing.positive, default=32)
    parser.add_argument("--json", action="store_true", help="print JSON")
    data_flags.add_column_flags(parser, with_label=True)


def run(args: argparse.Namespace) -> int:
    os.stat(args.data)

    from keras_bert_zoo import data
    from keras_bert_zoo.cli.fit_progress import FitProgress

    model = load_model(args.model)
    head = model.head
    rows = data_flags.file_rows(args, head, args.data, with_label=True)
    report = data.check_rows(rows, head)
    metrics = model.evaluate(
        rows,
        batch_size=args.batch_size,
        return_dict=True,
        callbacks=[FitProgress()],
        verbose=0,
    )
    score = model.score(rows, args.batch_size)
    if args.json:
        found = {"num_rows": report.num_rows, **metrics, **score}
        print(json.dumps(found, ensure_ascii=False))
        return 0
    labels = data_flags.label_summary(report.label_counts)
    print(f"rows {report.num_rows}{labels}")
    _print_measures({**metrics, **score})
    return 0


def _print_measures(measures: dict, name: str = "") -> None:
    """Prints numbers of a group on one line, groups below each other."""
    groups = {k: v for k, v in measures.items() if isinstance(v, dict)}
    numbers = [
        f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}"
        for k, v in measures.items()
        if k not in groups
    ]
    if numbers and name:
        print(f"{name:20}{'  '.join(numbers)}")
    elif numbers:
        print("\n".join(numbers))
    for key, group in groups.items():
        _print_measures(group, f"{name} {key}".strip())
