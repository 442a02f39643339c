"""transformers' BertModel on PyTorch, with fused attention and optimizer."""

import torch
import transformers

from benchmarks import harness
from benchmarks.gpu_contenders import batches


def prepare(cell: dict):
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = {
        name: torch.tensor(array, dtype=torch.long).split(cell["batch"])
        for name, array in batches.rows(cell).items()
    }
    sizes = batches.SIZES[cell["size"]]
    config = transformers.BertConfig(
        vocab_size=batches.VOCABULARY_SIZE,
        num_hidden_layers=sizes["num_layers"],
        num_attention_heads=sizes["num_heads"],
        hidden_size=sizes["hidden_dim"],
        intermediate_size=sizes["intermediate_dim"],
        hidden_dropout_prob=batches.DROPOUT,
        attention_probs_dropout_prob=batches.DROPOUT,
        attn_implementation="sdpa",
    )
    encoder = transformers.BertModel(config).to(device)
    head = torch.nn.Linear(sizes["hidden_dim"], 2).to(device)

    def logits(number):
        with torch.autocast(device, torch.bfloat16):
            outputs = encoder(
                input_ids=rows["token_ids"][number].to(device),
                token_type_ids=rows["segment_ids"][number].to(device),
                attention_mask=rows["padding_mask"][number].to(device),
            )
        return head(outputs.pooler_output.float())

    def forward():
        found = [logits(number) for number in range(cell["num_steps"])]
        torch.cat(found).cpu()

    if cell["step"] == "forward":
        encoder.eval()
        return torch.inference_mode()(forward)
    encoder.train()
    optimizer = torch.optim.AdamW(
        [*encoder.parameters(), *head.parameters()],
        lr=batches.LEARNING_RATE,
        fused=True,
    )

    def train():
        for number in range(cell["num_steps"]):
            optimizer.zero_grad()
            labels = rows["labels"][number].to(device)
            loss = torch.nn.functional.cross_entropy(logits(number), labels)
            loss.backward()
            optimizer.step()
        loss.item()

    return train


if __name__ == "__main__":
    harness.serve(prepare)
