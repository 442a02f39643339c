"""Flags that say where the texts and labels of a file stand."""

import argparse
import itertools
from collections.abc import Sequence

from keras_bert_zoo.errors import InputError


def add_column_flags(
    parser: argparse.ArgumentParser, *, with_label: bool
) -> None:
    """Adds `--text-column` and its like, and `--data-format`."""
    group = parser.add_argument_group(
        "columns",
        "Names of columns (keys, in JSON Lines), or their numbers from 0 for "
        "files without a header. A field of the task that has no flag is "
        "read from its usual column.",
    )
    group.add_argument(
        "--text-column",
        metavar="COLUMN",
        help="of the texts; usually called as the task calls them",
    )
    group.add_argument(
        "--text-pair-column",
        metavar="COLUMN",
        help="the second text, where an example has two",
    )
    if with_label:
        group.add_argument(
            "--label-column",
            metavar="COLUMN",
            help='of the labels; usually "label"',
        )
    group.add_argument(
        "--data-format",
        metavar="FORMAT",
        help="format of the files, where their names do not end with it: "
        "tsv, csv or jsonl, or one of the task's own",
    )


def file_rows(args: argparse.Namespace, head, path: str, *, with_label: bool):
    """Returns the rows of a file as a head, or its class, reads them."""
    # The flags go by place, whatever the task calls its fields.
    texts = [args.text_column, args.text_pair_column]
    columns = _by_place(head.text_fields, texts)
    if with_label:
        if args.label_column and not head.label_fields:
            raise InputError(
                f"The head {head.name!r} learns from texts alone. Received: "
                f"--label-column {args.label_column}. Leave it out."
            )
        columns |= _by_place(head.label_fields, [args.label_column])
    if all((column or "").isdecimal() for column in columns.values()):
        columns = {field: int(column) for field, column in columns.items()}
    return head.read_file(path, columns, args.data_format)


def label_summary(label_counts) -> str:
    """Returns counts of labels in one line; empty for none."""
    shown = [f"{name}: {count}" for name, count in label_counts.items()]
    if len(shown) > 10:
        shown = [*shown[:10], f"and {len(shown) - 10} more labels"]
    return f" ({', '.join(shown)})" if shown else ""


def _by_place(fields: Sequence[str], given: Sequence[str | None]) -> dict:
    return dict(itertools.zip_longest(fields, given[: len(fields)]))
