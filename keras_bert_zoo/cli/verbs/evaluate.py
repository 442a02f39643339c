"""Evaluates a trained model on labelled texts."""

import argparse
import json

from keras_bert_zoo.cli import parsing
from keras_bert_zoo.workflows.evaluate import evaluate

WORKFLOW = evaluate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    from keras_bert_zoo.cli.progress import FitProgress

    options = parsing.given(args)
    as_json = options.pop("json")
    with FitProgress() as progress:
        result = evaluate(**options, progress=progress)
    if as_json:
        found = {"num_examples": result.num_examples, **result.metrics}
        print(json.dumps(found, ensure_ascii=False))
        return 0
    print(result.summary)
    _print_metrics(result.metrics)
    return 0


def _print_metrics(metrics: dict, name: str = "") -> None:
    """Prints the numbers of a group in a line, groups below each other."""
    groups = {k: v for k, v in metrics.items() if isinstance(v, dict)}
    numbers = [
        f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}"
        for k, v in metrics.items()
        if k not in groups
    ]
    if numbers and name:
        print(f"{name:20}{'  '.join(numbers)}")
    elif numbers:
        print("\n".join(numbers))
    for key, group in groups.items():
        _print_metrics(group, f"{name} {key}".strip())
