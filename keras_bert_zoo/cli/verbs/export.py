"""Exports a trained model for deployment, verified against the live one."""

import argparse

from keras_bert_zoo import registry
from keras_bert_zoo.cli import parsing
from keras_bert_zoo.workflows.export import export

WORKFLOW = export
PLUGINS = {"format": registry.exporters}


def run(args: argparse.Namespace) -> int:
    from keras_bert_zoo.cli.progress import FitProgress

    with FitProgress() as progress:
        result = export(**parsing.given(args), progress=progress)
    manifest = result.manifest
    for name, file in manifest["files"].items():
        print(f"{file['bytes']:12,}  {name}")
    print(f"signatures  {', '.join(manifest['signatures'])}")
    for name, value in manifest["verification"].items():
        if name in manifest["signatures"]:
            name += ": outputs differ from the model's by"
        print(f"verified    {name} {_short(value)}")
    print(f"saved       {result.directory}")
    return 0


def _short(value) -> str:
    return f"{value:.2g}" if isinstance(value, float) else str(value)
