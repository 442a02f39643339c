"""A PyTorch loop over transformers' BertModel, its vectors averaged."""

import json
import math
import random
import statistics
import sys

import tokenizers
import torch
import transformers

from benchmarks import harness
from benchmarks.quality_contenders import pytorch_optimizer
from benchmarks.stsb_contenders import recipe


class Scorer(torch.nn.Module):
    """Mean of the real tokens' vectors, dropout, one number."""

    def __init__(self, source: str):
        super().__init__()
        self.bert = transformers.BertModel.from_pretrained(
            source, add_pooling_layer=False
        )
        self.dropout = torch.nn.Dropout(0.1)
        self.score = torch.nn.Linear(self.bert.config.hidden_size, 1)
        torch.nn.init.normal_(self.score.weight, std=0.02)
        torch.nn.init.zeros_(self.score.bias)

    def forward(self, **inputs):
        vectors = self.bert(**inputs).last_hidden_state
        mask = inputs["attention_mask"][:, :, None].float()
        mean = (vectors * mask).sum(1) / mask.sum(1)
        return self.score(self.dropout(mean))[:, 0]


def main(seed: int, source: str) -> list[float]:
    torch.set_num_threads(harness.NUM_THREADS)
    transformers.set_seed(seed)
    model = Scorer(source)
    tokenizer = tokenizers.BertWordPieceTokenizer(
        f"{source}/vocab.txt", lowercase=True
    )
    tokenizer.enable_truncation(512)
    tokenizer.enable_padding()
    texts, scores = recipe.read("train")
    mean, deviation = statistics.mean(scores), statistics.pstdev(scores)
    targets = torch.tensor([(score - mean) / deviation for score in scores])
    steps = math.ceil(len(texts) / recipe.BATCH_SIZE) * recipe.EPOCHS
    optimizer, schedule = pytorch_optimizer.make(model, recipe, steps)
    model.train()
    order = list(range(len(texts)))
    for _ in range(recipe.EPOCHS):
        random.shuffle(order)
        for chosen in _batches(order):
            found = model(**_inputs(tokenizer, texts, chosen))
            loss = torch.nn.functional.mse_loss(found, targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    texts, _ = recipe.read("test")
    order = sorted(range(len(texts)), key=lambda i: len("".join(texts[i])))
    answers = [0.0] * len(texts)
    with torch.inference_mode():
        for chosen in _batches(order):
            found = model(**_inputs(tokenizer, texts, chosen)).tolist()
            for i, answer in zip(chosen, found):
                answers[i] = answer * deviation + mean
    return answers


def _batches(order: list[int]) -> list[list[int]]:
    size = recipe.BATCH_SIZE
    return [order[i : i + size] for i in range(0, len(order), size)]


def _inputs(tokenizer, texts, chosen) -> dict:
    encoded = tokenizer.encode_batch([texts[i] for i in chosen])
    return {
        "input_ids": torch.tensor([e.ids for e in encoded]),
        "token_type_ids": torch.tensor([e.type_ids for e in encoded]),
        "attention_mask": torch.tensor([e.attention_mask for e in encoded]),
    }


if __name__ == "__main__":
    print(json.dumps({"answers": main(int(sys.argv[1]), sys.argv[2])}))
