"""Answers texts with a trained model, as JSON lines in their order."""

import argparse
import json
import sys

from keras_bert_zoo.cli import parsing
from keras_bert_zoo.workflows.predict import predict

WORKFLOW = predict


def run(args: argparse.Namespace) -> int:
    from keras_bert_zoo.cli.progress import FitProgress

    with FitProgress() as progress:

        def show(answer: dict, number: int, total: int) -> None:
            if sys.stdout.isatty():
                progress.clear()
            print(json.dumps(answer, ensure_ascii=False))

        predict(**parsing.given(args), on_answer=show, progress=progress)
    return 0
