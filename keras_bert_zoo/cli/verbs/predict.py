"""Answers texts with a trained model, as JSON lines in their order."""

import argparse
import json
import os

from keras_bert_zoo.cli import data_flags
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.cli.progress import ProgressBar
from keras_bert_zoo.cli.trained_model import load_model
from keras_bert_zoo.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_DIR")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--text", action="append", help="may be given many times"
    )
    source.add_argument("--data", metavar="FILE")
    parser.add_argument(
        "--text-pair",
        action="append",
        metavar="TEXT",
        help="the second text of each --text, where an example has two",
    )
    parser.add_argument("--batch-size", type=parsing.positive, default=32)
    data_flags.add_column_flags(parser, with_label=False)


def run(args: argparse.Namespace) -> int:
    if args.data:
        os.stat(args.data)

    from keras_bert_zoo import data

    model = load_model(args.model)
    if args.data:
        rows = data_flags.file_rows(
            args, model.head, args.data, with_label=False
        )
    else:
        rows = data.MemoryRows(_given_texts(args, model.head))
    total = data.check_rows(rows, model.head, with_label=False).num_rows
    bar = ProgressBar("predict", total)
    for done, answer in enumerate(
        model.iterate_answers(rows, args.batch_size), start=1
    ):
        print(json.dumps(answer, ensure_ascii=False))
        bar.update(done)
    bar.close()
    return 0


def _given_texts(args: argparse.Namespace, head) -> dict:
    given = {"--text": args.text, "--text-pair": args.text_pair}
    given = {flag: texts for flag, texts in given.items() if texts}
    if len(given) != len(head.text_fields):
        wanted = [
            f"{flag} ({field})"
            for flag, field in zip(("--text", "--text-pair"), head.text_fields)
        ]
        raise InputError(
            f"The model reads {' and '.join(wanted)}. Received: "
            f"{' and '.join(given)}. Give each, or a file with --data."
        )
    return dict(zip(head.text_fields, given.values(), strict=True))
