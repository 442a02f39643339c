"""Flags that say where the texts and labels of a file stand."""

import argparse
from collections.abc import Iterable

from keras_bert_zoo.cli.parsing import flag


def add_column_flags(
    parser: argparse.ArgumentParser, *, with_label: bool
) -> None:
    """Adds `--text-column` and its like, and `--data-format`."""
    group = parser.add_argument_group(
        "columns",
        "Names of columns (keys, in JSON Lines), or their numbers from 0 for "
        "files without a header. A field of the task that has no flag is "
        "read from the column of its own name.",
    )
    group.add_argument("--text-column", default="text", metavar="COLUMN")
    group.add_argument(
        "--text-pair-column",
        metavar="COLUMN",
        help="the second text, where an example is a pair",
    )
    if with_label:
        group.add_argument("--label-column", default="label", metavar="COLUMN")
    group.add_argument(
        "--data-format",
        choices=("tsv", "csv", "jsonl"),
        help="format of the files, where their names do not end with it",
    )


def file_rows(args: argparse.Namespace, path: str, fields: Iterable[str]):
    """Returns the rows of a file with these fields of a head."""
    from keras_bert_zoo.data import FileRows

    columns = {field: _column(args, field) for field in fields}
    if all(column.isdecimal() for column in columns.values()):
        columns = {field: int(column) for field, column in columns.items()}
    return FileRows(path, columns, args.data_format)


def label_summary(label_counts) -> str:
    """Returns counts of labels in one line; empty for none."""
    shown = [f"{name}: {count}" for name, count in label_counts.items()]
    if len(shown) > 10:
        shown = [*shown[:10], f"and {len(shown) - 10} more labels"]
    return f" ({', '.join(shown)})" if shown else ""


def _column(args: argparse.Namespace, field: str) -> str:
    name = flag(f"{field}_column").lstrip("-").replace("-", "_")
    return getattr(args, name, None) or field
