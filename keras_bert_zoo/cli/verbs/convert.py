"""Converts a model of any format that is read to a model directory."""

import argparse

from keras_bert_zoo import registry
from keras_bert_zoo.files import check_new_directory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a file or directory, or what --preset takes",
    )
    parser.add_argument("out", metavar="DIR")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument(
        "--kind", help="format of the source, where it is not recognized"
    )


def run(args: argparse.Namespace) -> int:
    check_new_directory(args.out, args.overwrite)

    from keras_bert_zoo import presets
    from keras_bert_zoo.task.model import TaskModel
    from keras_bert_zoo.task.saving import load_task

    source = presets.Preset(args.source, args.kind)
    kinds = source.head_kinds()
    kept = [kind for kind in kinds[:1] if kind in registry.heads.names()]
    tokenizer = source.tokenizer_or_none()
    if kept and tokenizer is not None:
        model = load_task(TaskModel, source, None)
        encoder = model.encoder
        model.save_to_preset(args.out, overwrite=args.overwrite)
    else:
        kept = []
        encoder = source.encoder()
        presets.save_preset(
            encoder,
            tokenizer,
            args.out,
            provenance=source.provenance,
            overwrite=args.overwrite,
        )
    report = source.report
    print(
        f"read        {report.num_mapped} variables of {report.origin} "
        f"({report.kind}), {len(report.ignored)} ignored\n"
        f"encoder     {encoder.count_params():,} parameters\n"
        f"vocabulary  {_size(tokenizer)}\n"
        f"head        {_heads(kinds, kept)}"
    )
    for note in report.notes:
        print(f"note        {note}")
    print(f"saved       {args.out}")
    return 0


def _size(tokenizer) -> str:
    if tokenizer is None:
        return "none: the source has none"
    return f"{tokenizer.vocabulary_size} tokens"


def _heads(kinds: list[str], kept: list[str]) -> str:
    left = [kind for kind in kinds if kind not in kept]
    parts = [*kept, *(f"{kind} not kept" for kind in left)]
    return ", ".join(parts) or "none"
