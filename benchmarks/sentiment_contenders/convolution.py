"""How well SST-2 is learned by a convolution over given word vectors.

    python -m benchmarks.sentiment_contenders.convolution FOLDER

Kim, 2014 (arXiv:1408.5882): windows of three, four and five tokens, 100
filters each, the highest of each filter, half of them dropped; vectors are
trained, too.
Runs in the peers' environment, and prints scores as a JSON object: see
`corpus_sentiment`, which prepares the folder.
"""

import argparse
import json
import pathlib

import numpy as np
import torch

from benchmarks.sentiment_contenders import word_vectors

SEEDS = range(3)
EPOCHS = 5
BATCH_SIZE = 50
LENGTH = 64
DEVIATION = 0.25


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    path = folder / "words_8192" / "vocab.txt"
    tokenizer = word_vectors.opened(path)
    ids = word_vectors.passages(folder / "corpus.txt", tokenizer)
    counts = word_vectors.near(ids, tokenizer.get_vocab_size())
    tables = {"corpus": (path, word_vectors.decomposed(counts))}
    minilm = folder / "minilm"
    tables["MiniLM"] = minilm / "vocab.txt", np.load(minilm / "vectors.npy")
    scores = {}
    for name, (path, table) in tables.items():
        parts = {part: examples(part, path) for part in ("train", "dev")}
        random = np.random.default_rng(0).normal(size=table.shape)
        for start, values in (f"random, as {name}", random), (name, table):
            values = values - values.mean(0)
            values = DEVIATION * values / values.std()
            scores[start] = [accuracy(parts, values, seed) for seed in SEEDS]
    print(json.dumps(scores))


def examples(part, vocabulary):
    """Returns token ids, 0 after the last, and labels."""
    tokenizer = word_vectors.opened(vocabulary)
    texts, labels = word_vectors.sentences(part, tokenizer)
    ids = np.zeros((len(texts), LENGTH), int)
    for row, text in zip(ids, texts, strict=True):
        row[: len(text)] = text[:LENGTH]
    return torch.tensor(ids), torch.tensor(labels)


class Convolution(torch.nn.Module):
    """Kim's model of sentences."""

    def __init__(self, table):
        super().__init__()
        self.vectors = torch.nn.Embedding.from_pretrained(
            torch.tensor(table, dtype=torch.float32),
            freeze=False,
            padding_idx=0,
        )
        self.filters = torch.nn.ModuleList(
            torch.nn.Conv1d(table.shape[1], 100, width, padding=width - 1)
            for width in (3, 4, 5)
        )
        self.dropout = torch.nn.Dropout(0.5)
        self.output = torch.nn.Linear(300, 2)

    def forward(self, ids):
        vectors = self.vectors(ids).transpose(1, 2)
        found = [one(vectors).relu().amax(2) for one in self.filters]
        return self.output(self.dropout(torch.cat(found, 1)))


def accuracy(parts, table, seed):
    """Trains, and returns the accuracy of development sentences, in points."""
    torch.manual_seed(seed)
    model = Convolution(table)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    ids, labels = parts["train"]
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(ids)).split(BATCH_SIZE):
            longest = int((ids[rows] > 0).sum(1).max())
            logits = model(ids[rows, :longest])
            loss = torch.nn.functional.cross_entropy(logits, labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    ids, labels = parts["dev"]
    with torch.no_grad():
        right = model(ids).argmax(1) == labels
    return round(100 * right.float().mean().item(), 2)


if __name__ == "__main__":
    main()
