"""BERT encoders, task heads and exports for Keras on TensorFlow.

Importing this package loads neither TensorFlow nor Keras: each public name
is imported when it is first touched. The classes of registered heads, such as
`keras_bert_zoo.TaggingHead`, are found by their names too.

It turns TensorFlow's oneDNN kernels on, unless `TF_ENABLE_ONEDNN_OPTS` is set:
TensorFlow itself turns them on for some processors only, and on others a
training step takes a third longer without them. TensorFlow reads the variable
once, when it is loaded: import this package first, or set it yourself.
"""

import importlib
import os

__version__ = "0.1.0"

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_HOMES = {
    "AddedToken": "keras_bert_zoo.tokenization",
    "AdamW": "keras_bert_zoo.training.optimizers.layerwise",
    "Backup": "keras_bert_zoo.training.resume.backup",
    "BertEncoder": "keras_bert_zoo.encoders.bert",
    "BertTokenizer": "keras_bert_zoo.tokenization.wordpiece.tokenizer",
    "CardFacts": "keras_bert_zoo.presets",
    "Throughput": "keras_bert_zoo.training.callbacks.throughput",
    "Corpus": "keras_bert_zoo.pretraining.corpus",
    "Dropout": "keras_bert_zoo.layers",
    "EpochScore": "keras_bert_zoo.task.epoch_score",
    "FileExamples": "keras_bert_zoo.data",
    "HistoryFile": "keras_bert_zoo.training.callbacks.history_file",
    "InputError": "keras_bert_zoo.errors",
    "Lamb": "keras_bert_zoo.training.optimizers.layerwise",
    "LossGuard": "keras_bert_zoo.training.callbacks.loss_guard",
    "MaskedLM": "keras_bert_zoo.pretraining.objectives.masked_lm",
    "MemoryExamples": "keras_bert_zoo.data",
    "OptimizerRecipe": "keras_bert_zoo.training.optimizers.recipe",
    "PretrainingModel": "keras_bert_zoo.pretraining.model",
    "Progress": "keras_bert_zoo.workflows.progress",
    "Objective": "keras_bert_zoo.pretraining.objective",
    "Provenance": "keras_bert_zoo.presets",
    "PythonTokenizer": "keras_bert_zoo.tokenization",
    "ReplacedTokens": "keras_bert_zoo.pretraining.objectives.replaced_tokens",
    "ScalarWriter": "keras_bert_zoo.training.callbacks.scalar_writer",
    "TaskHead": "keras_bert_zoo.task",
    "TaskModel": "keras_bert_zoo.task.model",
    "Tokenizer": "keras_bert_zoo.tokenization.tokenizer",
    "Vocabulary": "keras_bert_zoo.tokenization.wordpiece.vocabulary",
    "WarmupThenConstant": "keras_bert_zoo.training.optimizers.recipe",
    "WarmupThenCosineDecay": "keras_bert_zoo.training.optimizers.recipe",
    "WarmupThenLinearDecay": "keras_bert_zoo.training.optimizers.recipe",
    "WarmupThenPolynomialDecay": "keras_bert_zoo.training.optimizers.recipe",
    "build_dataset": "keras_bert_zoo.data",
    "check_head": "keras_bert_zoo.testing",
    "check_tokenizer": "keras_bert_zoo.testing",
    "check_tpu_ready": "keras_bert_zoo.testing",
    "choose_precision": "keras_bert_zoo.training.precision",
    "convert": "keras_bert_zoo.workflows.convert",
    "evaluate": "keras_bert_zoo.workflows.evaluate",
    "export": "keras_bert_zoo.workflows.export",
    "finetune": "keras_bert_zoo.workflows.finetune",
    "layer_rates": "keras_bert_zoo.training.optimizers.layer_rates",
    "make_examples": "keras_bert_zoo.workflows.make_examples",
    "list_presets": "keras_bert_zoo.presets",
    "load_encoder": "keras_bert_zoo.presets",
    "load_tokenizer": "keras_bert_zoo.presets",
    "predict": "keras_bert_zoo.workflows.predict",
    "pretrain": "keras_bert_zoo.workflows.pretrain",
    "read_corpus": "keras_bert_zoo.pretraining.corpus",
    "save_preset": "keras_bert_zoo.presets",
    "train_vocabulary": "keras_bert_zoo.workflows.vocabulary",
}


__all__ = sorted(_HOMES)


def __getattr__(name: str):
    home = _HOMES.get(name)
    if home is not None:
        value = getattr(importlib.import_module(home), name)
    else:
        value = None if name.startswith("_") else _heads().class_named(name)
    if value is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__, *_heads().class_names()})


def _heads():
    return importlib.import_module("keras_bert_zoo.registry").heads
