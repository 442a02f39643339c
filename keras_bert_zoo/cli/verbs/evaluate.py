"""Evaluates a trained model on labelled texts."""

import argparse
import json
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

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
    for line in metric_lines(result.metrics, result.repeated):
        print(line)
    return 0


def metric_lines(
    metrics: Mapping[str, Any], repeated: Collection[str] = ()
) -> list[str]:
    """Returns a line for each number, then one for each group of numbers.

    Args:
        metrics: name -> number, or a dict of them for a group.
        repeated: names of numbers that a group has, too: left out.
    """
    groups = _groups(metrics)
    (_, numbers), *others = groups
    lines = [f"{name} {text}" for name, text in numbers if name not in repeated]
    width = max((len(name) for name, _ in others), default=0)
    for name, numbers in others:
        cells = "  ".join(f"{key} {text}" for key, text in numbers)
        lines.append(f"{name:{width}}  {cells}")
    return lines


def _groups(
    metrics: Mapping[str, Any], name: str = ""
) -> list[tuple[str, list[tuple[str, str]]]]:
    """Returns the numbers of each group, by its name, as texts."""
    numbers = [
        (key, f"{value:.4f}" if isinstance(value, float) else str(value))
        for key, value in metrics.items()
        if not isinstance(value, Mapping)
    ]
    found = [(name, numbers)] if numbers or not name else []
    for key, group in metrics.items():
        if isinstance(group, Mapping):
            found += _groups(group, f"{name} {key}".strip())
    return found
