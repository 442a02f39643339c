"""Answers texts with a trained model, as JSON lines in their order."""

import argparse
import json

from keras_bert_zoo.cli import parsing
from keras_bert_zoo.workflows.predict import predict

WORKFLOW = predict


def run(args: argparse.Namespace) -> int:
    from keras_bert_zoo.cli.progress import ProgressBar

    bar = ProgressBar("predict")

    def show(answer: dict, number: int, total: int) -> None:
        print(json.dumps(answer, ensure_ascii=False))
        bar.total = total
        bar.update(number)

    predict(**parsing.given(args), on_answer=show)
    bar.close()
    return 0
