"""Writes the training examples of a corpus into files."""

import argparse

from keras_bert_zoo.cli import parsing
from keras_bert_zoo.workflows.make_examples import make_examples

WORKFLOW = make_examples


def run(args: argparse.Namespace) -> int:
    from keras_bert_zoo.cli.progress import FitProgress

    with FitProgress() as progress:
        result = make_examples(**parsing.given(args), progress=progress)
    print(f"read        {result.num_documents:,} documents")
    print(f"examples    {result.num_examples:,} in {result.num_files:,} files")
    print(f"saved       {result.directory}")
    return 0
