"""A PyTorch loop over transformers' BertForTokenClassification."""

import json
import math
import random
import sys

import tokenizers
import torch
import transformers

from benchmarks import harness
from benchmarks.quality_contenders import pytorch_optimizer
from benchmarks.tagging_contenders import recipe

# What PyTorch's cross-entropy passes over.
IGNORED = -100
# Where only the outcome counts, a batch is computed in parts of like length.
NUM_PARTS = 4


def prepare(cell: dict):
    tagger = Tagger(cell["corpus"], cell["huggingface"])
    train = recipe.sample(cell)
    # One optimizer for all passes: each is an epoch of a longer run.
    parts = pytorch_optimizer.make(tagger.model, recipe, 1000)
    return lambda: tagger.train(train, *parts)


def main(corpus: str, seed: int, limit: int | None, source: str) -> dict:
    transformers.set_seed(seed)
    tagger = Tagger(corpus, source)
    train = recipe.read(corpus, "train", limit)
    steps = math.ceil(len(train.tokens) / recipe.BATCH_SIZE) * recipe.EPOCHS
    parts = pytorch_optimizer.make(tagger.model, recipe, steps)
    for _ in range(recipe.EPOCHS):
        tagger.train(train, *parts, num_parts=NUM_PARTS)
    test = recipe.read(corpus, "test", limit)
    return recipe.scores(test, tagger.predict(test.tokens))


class Tagger:
    """Model and tokenizer.

    Args:
        corpus: str. A key of `recipe.FILES`.
        source: str. Directory in Hugging Face's format.
    """

    def __init__(self, corpus: str, source: str):
        torch.set_num_threads(harness.NUM_THREADS)
        self.labels = recipe.labels(corpus)
        config = transformers.BertConfig.from_pretrained(
            source,
            num_labels=len(self.labels),
            classifier_dropout=recipe.DROPOUT,
            architectures=["BertForTokenClassification"],
        )
        # The source has another head: this one is drawn for the seed.
        self.model = transformers.BertForTokenClassification.from_pretrained(
            source, config=config, ignore_mismatched_sizes=True
        )
        head = self.model.classifier
        head.weight.data.normal_(0.0, config.initializer_range)
        head.bias.data.zero_()
        self.tokenizer = tokenizers.BertWordPieceTokenizer(
            f"{source}/vocab.txt", lowercase=True
        )
        self.tokenizer.enable_truncation(config.max_position_embeddings)
        self.tokenizer.enable_padding()

    def train(
        self, train: recipe.Sentences, optimizer, schedule, num_parts: int = 1
    ) -> None:
        """Trains one epoch.

        Args:
            train: what to learn.
            optimizer, schedule: PyTorch's.
            num_parts: int. Parts that a batch is computed in, each padded to
                its own longest sentence. The gradient is the same.
        """
        self.model.train()
        order = list(range(len(train.tokens)))
        random.shuffle(order)
        for chosen in _batches(order):
            if num_parts > 1:
                chosen.sort(key=lambda i: len(train.tokens[i]))
            parts = [
                self._labeled(train, part)
                for part in _batches(chosen, -(-len(chosen) // num_parts))
            ]
            num_labels = sum(
                int((targets != IGNORED).sum()) for _, targets in parts
            )
            optimizer.zero_grad()
            for inputs, targets in parts:
                logits = self.model(**inputs).logits
                loss = torch.nn.functional.cross_entropy(
                    logits.flatten(0, 1),
                    targets.flatten(),
                    ignore_index=IGNORED,
                    reduction="sum",
                )
                (loss / num_labels).backward()
            optimizer.step()
            schedule.step()

    def predict(self, tokens: list) -> list[list[str]]:
        """Returns a tag for each word of each sentence."""
        self.model.eval()
        found = [["O"] * len(words) for words in tokens]
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        with torch.inference_mode():
            for chosen in _batches(order):
                encoded = self._encode(tokens, chosen)
                logits = self.model(**_inputs(encoded)).logits
                best = logits.argmax(-1).tolist()
                for i, words, tags in zip(chosen, encoded, best):
                    for word, place in _first_pieces(words).items():
                        found[i][word] = self.labels[tags[place]]
        return found

    def _labeled(self, train: recipe.Sentences, chosen: list[int]) -> tuple:
        """Returns the model's inputs, and a target for each token."""
        ids = {label: place for place, label in enumerate(self.labels)}
        encoded = self._encode(train.tokens, chosen)
        targets = torch.full(_ids(encoded).shape, IGNORED)
        for row, (i, words) in enumerate(zip(chosen, encoded)):
            for word, place in _first_pieces(words).items():
                targets[row, place] = ids[train.tags[i][word]]
        return _inputs(encoded), targets

    def _encode(self, tokens: list, chosen: list[int]) -> list:
        return self.tokenizer.encode_batch(
            [tokens[i] for i in chosen], is_pretokenized=True
        )


def _batches(
    order: list[int], size: int = recipe.BATCH_SIZE
) -> list[list[int]]:
    return [order[i : i + size] for i in range(0, len(order), size)]


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
    if len(sys.argv) == 1:
        harness.serve(prepare)
    else:
        seed, corpus, limit, source = sys.argv[1:]
        print(json.dumps(main(corpus, int(seed), int(limit) or None, source)))
