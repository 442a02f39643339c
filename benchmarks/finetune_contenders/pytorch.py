"""A PyTorch loop: random batches, padded to their longest text."""

import pathlib
import random

import tokenizers
import torch
import transformers

from benchmarks import harness
from benchmarks.finetune_contenders import rows


def prepare(cell: dict):
    torch.set_num_threads(harness.NUM_THREADS)
    texts, labels = rows.sample(cell)
    source = pathlib.Path(cell["huggingface"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        source, num_labels=2
    )
    model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=rows.LEARNING_RATE,
        weight_decay=rows.WEIGHT_DECAY,
        fused=True,
    )
    tokenizer = tokenizers.BertWordPieceTokenizer(
        str(source / "vocab.txt"), lowercase=True
    )
    tokenizer.enable_truncation(512)
    tokenizer.enable_padding()
    order = list(range(len(texts)))

    def work():
        random.shuffle(order)
        for start in range(0, len(order), rows.BATCH_SIZE):
            chosen = order[start : start + rows.BATCH_SIZE]
            encoded = tokenizer.encode_batch([texts[i] for i in chosen])
            outputs = model(
                input_ids=torch.tensor([e.ids for e in encoded]),
                attention_mask=torch.tensor(
                    [e.attention_mask for e in encoded]
                ),
                labels=torch.tensor([labels[i] for i in chosen]),
            )
            optimizer.zero_grad()
            outputs.loss.backward()
            optimizer.step()

    return work


if __name__ == "__main__":
    harness.serve(prepare)
