"""Exports a trained model for deployment, verified against the live one."""

import argparse
from collections.abc import Sequence

from keras_bert_zoo import registry
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.cli.quiet import quiet_libraries
from keras_bert_zoo.cli.trained_model import load_model
from keras_bert_zoo.files import check_new_directory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_DIR")
    parser.add_argument(
        "--format",
        required=True,
        help="`bert-zoo list` shows them; with it, --help shows the format's "
        "own flags too",
    )
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--overwrite", action="store_true")


def add_plugin(
    parser: argparse.ArgumentParser, arguments: Sequence[str]
) -> None:
    """Adds the flags of the format that the arguments name."""
    name = parsing.value_of("--format", arguments)
    if name is not None:
        options = registry.exporters.get(name).options()
        parsing.add_options(parser, f"format {name}", options)


def run(args: argparse.Namespace) -> int:
    check_new_directory(args.out, args.overwrite)
    exporter = registry.exporters.get(args.format)

    from keras_bert_zoo.exporting import export

    model = load_model(args.model)
    with quiet_libraries():
        manifest = export(
            model,
            args.out,
            args.format,
            overwrite=args.overwrite,
            **parsing.chosen_options(args, exporter.options()),
        )
    for name, file in manifest["files"].items():
        print(f"{file['bytes']:12,}  {name}")
    print(f"signatures  {', '.join(manifest['signatures'])}")
    for name, value in manifest["verification"].items():
        print(f"verified    {name} {_short(value)}")
    print(f"saved       {args.out}")
    return 0


def _short(value) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
