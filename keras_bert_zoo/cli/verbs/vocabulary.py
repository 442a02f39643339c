"""Learns a vocabulary from text files."""

import argparse

from keras_bert_zoo.cli import parsing
from keras_bert_zoo.workflows.vocabulary import train_vocabulary

WORKFLOW = train_vocabulary


def run(args: argparse.Namespace) -> int:
    from keras_bert_zoo.cli.progress import FitProgress

    with FitProgress() as progress:
        result = train_vocabulary(**parsing.given(args), progress=progress)
    print(f"read        {result.num_sentences:,} sentences")
    print(f"vocabulary  {result.num_tokens:,} tokens")
    print(
        f"checked     {result.num_compared:,} sentences: the same ids from all "
        "tokenizers that read the files"
    )
    print(f"saved       {result.directory}")
    return 0
