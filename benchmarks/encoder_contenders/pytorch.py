"""One step of transformers' BertModel on PyTorch, with fused attention."""

import torch
import transformers

from benchmarks import harness
from benchmarks.encoder_contenders import batches


def prepare(cell: dict):
    torch.set_num_threads(harness.NUM_THREADS)
    torch.manual_seed(0)
    arrays = {
        name: torch.tensor(array, dtype=torch.long)
        for name, array in batches.batch(cell).items()
    }
    config = transformers.BertConfig(
        vocab_size=batches.VOCABULARY_SIZE,
        num_hidden_layers=batches.NUM_LAYERS,
        num_attention_heads=batches.NUM_HEADS,
        hidden_size=batches.HIDDEN_DIM,
        intermediate_size=batches.INTERMEDIATE_DIM,
        hidden_dropout_prob=batches.DROPOUT,
        attention_probs_dropout_prob=batches.DROPOUT,
        attn_implementation="sdpa",
    )
    encoder = transformers.BertModel(config)
    head = torch.nn.Linear(batches.HIDDEN_DIM, 2)
    bfloat16 = cell["dtype"] == "bfloat16"

    def pooled():
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            outputs = encoder(
                input_ids=arrays["token_ids"],
                token_type_ids=arrays["segment_ids"],
                attention_mask=arrays["padding_mask"],
            )
        return outputs.pooler_output

    if cell["step"] == "forward":
        encoder.eval()
        return torch.inference_mode()(pooled)
    encoder.train()
    optimizer = torch.optim.AdamW(
        [*encoder.parameters(), *head.parameters()],
        lr=batches.LEARNING_RATE,
        weight_decay=batches.WEIGHT_DECAY,
        fused=True,
    )

    def step():
        optimizer.zero_grad()
        logits = head(pooled().float())
        loss = torch.nn.functional.cross_entropy(logits, arrays["labels"])
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


if __name__ == "__main__":
    harness.serve(prepare)
