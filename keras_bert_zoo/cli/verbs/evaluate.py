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
    if args.json:
        print(json.dumps({"num_rows": report.num_rows, **metrics}))
        return 0
    labels = data_flags.label_summary(report.label_counts)
    print(f"rows {report.num_rows}{labels}")
    for name, value in metrics.items():
        print(f"{name} {value:.4f}")
    return 0
