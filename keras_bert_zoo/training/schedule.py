"""Learning-rate schedules."""

import keras
from keras import ops

from keras_bert_zoo.errors import InputError


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class WarmupThenLinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly to a peak, then falls linearly to zero.

    Args:
        peak: float. The highest learning rate.
        total_steps: int. Step at which the rate reaches zero.
        warmup_steps: int. Step at which it reaches the peak.

    Raises:
        InputError: if the steps are not `0 <= warmup_steps <= total_steps`
            with `total_steps` positive.

    Source: Devlin et al., 2019 (arXiv:1810.04805), appendix A.2.
    """

    def __init__(self, peak: float, total_steps: int, warmup_steps: int = 0):
        if not 0 <= warmup_steps <= total_steps or total_steps < 1:
            raise InputError(
                "`warmup_steps` must lie between 0 and `total_steps`, and "
                "`total_steps` must be positive. Received: warmup_steps="
                f"{warmup_steps}, total_steps={total_steps}."
            )
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps

    def __call__(self, step):
        # The first update has step 0: it must move the weights, and so must
        # the last one.
        step = ops.cast(step, "float32") + 1.0
        first = max(self.warmup_steps, 1)
        rising = step / first
        falling = (self.total_steps + 1 - step) / (self.total_steps + 1 - first)
        return self.peak * ops.clip(ops.minimum(rising, falling), 0.0, 1.0)

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
        }
