"""A PyTorch loop over transformers' BertForSequenceClassification."""

import json
import math
import random
import sys

import tokenizers
import torch
import transformers

from benchmarks import harness
from benchmarks.quality_contenders import pytorch_optimizer
from benchmarks.quality_contenders import recipe


def main(seed: int, source: str) -> float:
    torch.set_num_threads(harness.NUM_THREADS)
    transformers.set_seed(seed)
    config = transformers.BertConfig.from_pretrained(source, num_labels=2)
    model = transformers.BertForSequenceClassification.from_pretrained(
        source, config=config
    )
    # The classifier that was exported is one draw: draw anew for this seed.
    model.classifier.weight.data.normal_(0.0, config.initializer_range)
    model.classifier.bias.data.zero_()
    tokenizer = tokenizers.BertWordPieceTokenizer(
        f"{source}/vocab.txt", lowercase=True
    )
    tokenizer.enable_truncation(config.max_position_embeddings)
    tokenizer.enable_padding()
    texts, labels = recipe.read("train")
    steps = math.ceil(len(texts) / recipe.BATCH_SIZE) * recipe.EPOCHS
    optimizer, schedule = pytorch_optimizer.make(model, recipe, steps)
    model.train()
    order = list(range(len(texts)))
    for _ in range(recipe.EPOCHS):
        random.shuffle(order)
        for chosen in _batches(order):
            logits = model(**_inputs(tokenizer, texts, chosen)).logits
            loss = torch.nn.functional.cross_entropy(
                logits, torch.tensor([labels[i] for i in chosen])
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return _test(model, tokenizer)


def _test(model, tokenizer) -> float:
    model.eval()
    texts, labels = recipe.read("test")
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    predicted = [0] * len(texts)
    with torch.inference_mode():
        for chosen in _batches(order):
            logits = model(**_inputs(tokenizer, texts, chosen)).logits
            for i, label in zip(chosen, logits.argmax(-1).tolist()):
                predicted[i] = label
    return recipe.accuracy(predicted, labels)


def _batches(order: list[int]) -> list[list[int]]:
    size = recipe.BATCH_SIZE
    return [order[i : i + size] for i in range(0, len(order), size)]


def _inputs(tokenizer, texts, chosen) -> dict:
    encoded = tokenizer.encode_batch([texts[i] for i in chosen])
    return {
        "input_ids": torch.tensor([e.ids for e in encoded]),
        "attention_mask": torch.tensor([e.attention_mask for e in encoded]),
    }


if __name__ == "__main__":
    found = main(int(sys.argv[1]), sys.argv[2])
    print(json.dumps({"accuracy": found}))
