"""Converts a published checkpoint to a preset directory."""

import argparse

from keras_bert_zoo import registry
from keras_bert_zoo.files import check_new_directory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a file or directory; package:NAME; hf:NAME; keras_hub:NAME",
    )
    parser.add_argument("out", metavar="PRESET_DIR")
    parser.add_argument("--overwrite", action="store_true")
    parser.add_argument(
        "--kind", help="format of the source, where it is not recognized"
    )


def run(args: argparse.Namespace) -> int:
    check_new_directory(args.out, args.overwrite)

    from keras_bert_zoo import presets
    from keras_bert_zoo.checkpoints import load_checkpoint
    from keras_bert_zoo.task.files import task_from_checkpoint
    from keras_bert_zoo.task.model import TaskModel

    checkpoint = load_checkpoint(args.source, kind=args.kind)
    report = checkpoint.report
    kinds = [head.kind for head in checkpoint.heads]
    if kinds and kinds[0] in registry.heads.names() and checkpoint.tokenizer:
        model = task_from_checkpoint(TaskModel, checkpoint)
        model.save_to_preset(args.out, overwrite=args.overwrite)
        kept = kinds[:1]
    else:
        presets.save_preset(
            checkpoint.encoder,
            checkpoint.tokenizer,
            args.out,
            metadata={"source": args.source},
            overwrite=args.overwrite,
        )
        kept = []
    print(
        f"read        {report.num_mapped} variables of {report.origin} "
        f"({report.kind}), {len(report.ignored)} ignored\n"
        f"encoder     {checkpoint.encoder.count_params():,} parameters\n"
        f"vocabulary  {_size(checkpoint.tokenizer)}\n"
        f"head        {_heads(kinds, kept)}"
    )
    for note in report.notes:
        print(f"note        {note}")
    print(f"saved       {args.out}")
    return 0


def _size(tokenizer) -> str:
    if tokenizer is None:
        return "none: the source has none"
    return f"{len(tokenizer.vocabulary)} tokens"


def _heads(kinds: list[str], kept: list[str]) -> str:
    left = [kind for kind in kinds if kind not in kept]
    parts = [*kept, *(f"{kind} not kept" for kind in left)]
    return ", ".join(parts) or "none"
