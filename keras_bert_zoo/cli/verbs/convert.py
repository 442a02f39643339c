"""Converts a model of any format that is read to a model directory."""

import argparse

from keras_bert_zoo.cli import parsing
from keras_bert_zoo.workflows.convert import convert

WORKFLOW = convert
_MOST_NAMES = 10


def run(args: argparse.Namespace) -> int:
    from keras_bert_zoo.cli.progress import FitProgress

    with FitProgress() as progress:
        result = convert(**parsing.given(args), progress=progress)
    size = f"{result.num_tokens} tokens"
    if result.num_tokens is None:
        size = "none: the source has none"
    dropped = [f"{kind} not kept" for kind in result.dropped_heads]
    print(
        f"read        {result.num_variables} variables of {result.origin} "
        f"({result.kind}), {len(result.ignored)} ignored\n"
        f"encoder     {result.num_parameters:,} parameters\n"
        f"vocabulary  {size}\n"
        f"head        {', '.join([*result.heads, *dropped]) or 'none'}"
    )
    if result.ignored:
        # An optimizer leaves hundreds.
        more = ", ..." if len(result.ignored) > _MOST_NAMES else ""
        names = ", ".join(result.ignored[:_MOST_NAMES])
        print(f"ignored     {names}{more}")
    for note in result.notes:
        print(f"note        {note}")
    print(f"saved       {result.directory}")
    return 0
