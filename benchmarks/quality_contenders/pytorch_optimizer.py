"""AdamW with linear warm-up and decay, as all PyTorch loops here use it."""

import math

import torch
import transformers

UNDECAYED = ("bias", "LayerNorm.weight")


def make(model: torch.nn.Module, recipe, num_steps: int) -> tuple:
    """Returns an optimizer and its schedule.

    Args:
        model: its biases and layer norms are not decayed.
        recipe: a module or other object with `LEARNING_RATE`,
            `WEIGHT_DECAY` and `WARMUP_FRACTION`.
        num_steps: int. When the rate arrives at 0.
    """
    decayed, undecayed = [], []
    for name, parameter in model.named_parameters():
        group = undecayed if name.endswith(UNDECAYED) else decayed
        group.append(parameter)
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": recipe.WEIGHT_DECAY},
            {"params": undecayed, "weight_decay": 0.0},
        ],
        lr=recipe.LEARNING_RATE,
        eps=1e-6,
        fused=True,
    )
    schedule = transformers.get_linear_schedule_with_warmup(
        optimizer, math.ceil(num_steps * recipe.WARMUP_FRACTION), num_steps
    )
    return optimizer, schedule
