"""The optimizer that a fine-tuning run gets when none is named."""

import dataclasses
import math

from absl import logging

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizer import AdamW
from keras_bert_zoo.training.schedule import WarmupThenLinearDecay


@dataclasses.dataclass(frozen=True)
class DefaultOptimizer:
    """Makes AdamW with warm-up and decay over a run of known length.

    Args:
        learning_rate: float. The peak.
        weight_decay: float.
        warmup_fraction: float in [0, 1]. Share of the steps in which the
            rate rises.

    Raises:
        InputError: if a number is out of range.

    Source: Devlin et al., 2019 (arXiv:1810.04805), appendix A.
    """

    learning_rate: float
    weight_decay: float
    warmup_fraction: float

    def __post_init__(self):
        if self.learning_rate <= 0 or self.weight_decay < 0:
            raise InputError(
                "`learning_rate` must be positive and `weight_decay` not "
                f"negative. Received: learning_rate={self.learning_rate}, "
                f"weight_decay={self.weight_decay}."
            )
        if not 0 <= self.warmup_fraction <= 1:
            raise InputError(
                "`warmup_fraction` must lie between 0 and 1. Received: "
                f"warmup_fraction={self.warmup_fraction}."
            )

    def for_steps(self, total_steps: int) -> AdamW:
        """Returns a new optimizer for a run.

        Args:
            total_steps: int. Updates in the run; below 1 where that is
                unknown: the rate then stays at its peak.
        """
        if total_steps < 1:
            logging.warning(
                "The number of steps is unknown: the learning rate stays at "
                "%g. Give steps_per_epoch for warm-up and decay.",
                self.learning_rate,
            )
            return AdamW(self.learning_rate, self.weight_decay)
        warmup_steps = math.ceil(total_steps * self.warmup_fraction)
        schedule = WarmupThenLinearDecay(
            self.learning_rate, total_steps, warmup_steps
        )
        return AdamW(schedule, self.weight_decay)
