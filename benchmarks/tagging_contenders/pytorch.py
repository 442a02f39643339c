"""A PyTorch loop over transformers' BertForTokenClassification."""

import json
import math
import random
import sys
import time

import tokenizers
import torch
import transformers

from benchmarks import harness
from benchmarks.tagging_contenders import recipe

UNDECAYED = ("bias", "LayerNorm.weight")
# What PyTorch's cross-entropy passes over.
IGNORED = -100


def main(corpus: str, seed: int, limit: int | None, source: str) -> dict:
    torch.set_num_threads(harness.NUM_THREADS)
    transformers.set_seed(seed)
    labels = recipe.labels(corpus)
    config = transformers.BertConfig.from_pretrained(
        source,
        num_labels=len(labels),
        classifier_dropout=recipe.DROPOUT,
        architectures=["BertForTokenClassification"],
    )
    # The source has another head: this one is drawn for the seed.
    model = transformers.BertForTokenClassification.from_pretrained(
        source, config=config, ignore_mismatched_sizes=True
    )
    model.classifier.weight.data.normal_(0.0, config.initializer_range)
    model.classifier.bias.data.zero_()
    tokenizer = tokenizers.BertWordPieceTokenizer(
        f"{source}/vocab.txt", lowercase=True
    )
    tokenizer.enable_truncation(config.max_position_embeddings)
    tokenizer.enable_padding()
    train = recipe.read(corpus, "train", limit)
    start = time.perf_counter()
    _fit(model, tokenizer, train, labels)
    seconds = time.perf_counter() - start
    test = recipe.read(corpus, "test", limit)
    return recipe.result(
        test,
        _predict(model, tokenizer, test.tokens, labels),
        len(train.tokens) * recipe.EPOCHS,
        seconds,
    )


def _fit(model, tokenizer, train, labels) -> None:
    steps = math.ceil(len(train.tokens) / recipe.BATCH_SIZE) * recipe.EPOCHS
    optimizer = _optimizer(model)
    schedule = transformers.get_linear_schedule_with_warmup(
        optimizer, math.ceil(steps * recipe.WARMUP_FRACTION), steps
    )
    ids = {label: place for place, label in enumerate(labels)}
    model.train()
    order = list(range(len(train.tokens)))
    for _ in range(recipe.EPOCHS):
        random.shuffle(order)
        for chosen in _batches(order):
            encoded = _encode(tokenizer, train.tokens, chosen)
            targets = torch.full(_ids(encoded).shape, IGNORED)
            for row, (i, words) in enumerate(zip(chosen, encoded)):
                for word, place in _first_pieces(words).items():
                    targets[row, place] = ids[train.tags[i][word]]
            logits = model(**_inputs(encoded)).logits
            loss = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def _predict(model, tokenizer, tokens, labels) -> list[list[str]]:
    model.eval()
    found = [["O"] * len(words) for words in tokens]
    order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
    with torch.inference_mode():
        for chosen in _batches(order):
            encoded = _encode(tokenizer, tokens, chosen)
            best = model(**_inputs(encoded)).logits.argmax(-1).tolist()
            for i, words, tags in zip(chosen, encoded, best):
                for word, place in _first_pieces(words).items():
                    found[i][word] = labels[tags[place]]
    return found


def _optimizer(model) -> torch.optim.AdamW:
    decayed, undecayed = [], []
    for name, parameter in model.named_parameters():
        group = undecayed if name.endswith(UNDECAYED) else decayed
        group.append(parameter)
    return torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": recipe.WEIGHT_DECAY},
            {"params": undecayed, "weight_decay": 0.0},
        ],
        lr=recipe.LEARNING_RATE,
        eps=1e-6,
        fused=True,
    )


def _batches(order: list[int]) -> list[list[int]]:
    size = recipe.BATCH_SIZE
    return [order[i : i + size] for i in range(0, len(order), size)]


def _encode(tokenizer, tokens, chosen) -> list:
    return tokenizer.encode_batch(
        [tokens[i] for i in chosen], is_pretokenized=True
    )


def _first_pieces(encoded) -> dict[int, int]:
    """Returns a word's number -> the place of its first piece."""
    places = {}
    for place, word in enumerate(encoded.word_ids):
        if word is not None:
            places.setdefault(word, place)
    return places


def _ids(encoded) -> torch.Tensor:
    return torch.tensor([row.ids for row in encoded])


def _inputs(encoded) -> dict:
    return {
        "input_ids": _ids(encoded),
        "attention_mask": torch.tensor([e.attention_mask for e in encoded]),
    }


if __name__ == "__main__":
    seed, corpus, limit, source = sys.argv[1:]
    print(json.dumps(main(corpus, int(seed), int(limit) or None, source)))
