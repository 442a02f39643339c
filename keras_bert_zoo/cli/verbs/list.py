"""Lists presets, task heads, objectives, vocabularies, export formats."""

import argparse
import dataclasses
import json

from keras_bert_zoo import presets
from keras_bert_zoo import registry


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    found = presets.list_presets()
    heads = registry.heads.names()
    objectives = registry.objectives.names()
    vocabularies = registry.vocabularies.names()
    exporters = registry.exporters.names()
    if args.json:
        content = {
            "presets": [
                {**dataclasses.asdict(info), "num_bytes": info.num_bytes}
                for info in found
            ],
            "heads": heads,
            "objectives": objectives,
            "vocabularies": vocabularies,
            "exporters": exporters,
        }
        print(json.dumps(content, indent=2, ensure_ascii=False))
        return 0
    table = [("preset", "parameters", "float32", "licence", "source")]
    for info in found:
        table.append(
            (
                info.name,
                f"{info.num_parameters / 1e6:.1f} M",
                f"{info.num_bytes / 1e6:.0f} MB",
                info.licence,
                info.source,
            )
        )
    widths = [max(map(len, column)) for column in zip(*table)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths))
        print("  ".join(cells).rstrip())
    print(f"\nheads: {', '.join(heads) or 'none'}")
    print(f"objectives: {', '.join(objectives) or 'none'}")
    print(f"vocabularies: {', '.join(vocabularies) or 'none'}")
    print(f"export formats: {', '.join(exporters) or 'none'}")
    return 0
