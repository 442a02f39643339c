"""transformers on PyTorch: its collator, lines padded to the full length."""

import pathlib

import torch
import transformers

from benchmarks import harness
from benchmarks.pretraining_contenders.pytorch import model_and_optimizer


def prepare(cell: dict):
    torch.set_num_threads(harness.NUM_THREADS)
    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(cell["vocabulary"])
    collate = transformers.DataCollatorForLanguageModeling(
        tokenizer, mlm_probability=0.15
    )
    model, optimizer = model_and_optimizer()

    def epoch():
        lines = pathlib.Path(cell["corpus"]).read_text("utf-8").splitlines()
        encoded = tokenizer(
            [line for line in lines if line],
            truncation=True,
            padding="max_length",
            max_length=cell["length"],
        )
        rows = [
            {name: column[index] for name, column in encoded.items()}
            for index in range(len(encoded["input_ids"]))
        ]
        loader = torch.utils.data.DataLoader(
            rows, cell["batch"], shuffle=True, collate_fn=collate
        )
        for batch in loader:
            optimizer.zero_grad()
            model(**batch).loss.backward()
            optimizer.step()

    return epoch


if __name__ == "__main__":
    harness.serve(prepare)
