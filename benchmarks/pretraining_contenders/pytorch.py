"""One step of transformers' `BertForMaskedLM` on PyTorch."""

import torch
import transformers

from benchmarks import harness
from benchmarks.pretraining_contenders import batches


def model_and_optimizer():
    """Returns a new `BertForMaskedLM` that trains, and its AdamW."""
    model = transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=batches.SIZES["vocabulary_size"],
            num_hidden_layers=batches.SIZES["num_layers"],
            num_attention_heads=batches.SIZES["num_heads"],
            hidden_size=batches.SIZES["hidden_dim"],
            intermediate_size=batches.SIZES["intermediate_dim"],
            hidden_dropout_prob=batches.DROPOUT,
            attention_probs_dropout_prob=batches.DROPOUT,
            attn_implementation="sdpa",
        )
    ).train()
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=batches.LEARNING_RATE,
        weight_decay=batches.WEIGHT_DECAY,
        fused=True,
    )
    return model, optimizer


def prepare(cell: dict):
    torch.set_num_threads(harness.NUM_THREADS)
    torch.manual_seed(0)
    arrays = {
        name: torch.tensor(array, dtype=torch.long)
        for name, array in batches.batch(cell).items()
    }
    labels = torch.full_like(arrays["token_ids"], -100)
    labels.scatter_(1, arrays["mask_positions"], arrays["originals"])
    model, optimizer = model_and_optimizer()
    is_bfloat16 = cell["dtype"] == "mixed_bfloat16"

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bfloat16):
            loss = model(
                input_ids=arrays["token_ids"],
                token_type_ids=arrays["segment_ids"],
                attention_mask=arrays["padding_mask"],
                labels=labels,
            ).loss
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


if __name__ == "__main__":
    harness.serve(prepare)
