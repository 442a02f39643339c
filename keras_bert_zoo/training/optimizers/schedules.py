"""Learning-rate schedules, each with a warm-up.

Steps are updates of the weights. Update 0, the first, moves the weights, and
so does the last one of a run.
"""

import math

import keras
from keras import ops

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError

_PACKAGE = "keras_bert_zoo"


@keras.saving.register_keras_serializable(package=_PACKAGE)
class WarmupThenConstant(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly to a rate, and stays there.

    Args:
        peak: float. The highest learning rate.
        warmup_steps: int. Updates by which it is reached.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(self, peak: float, warmup_steps: int = 0):
        self.peak = arguments.finite_number("peak", peak)
        self.warmup_steps = arguments.whole_number(
            "warmup_steps", warmup_steps, lowest=0
        )

    def __call__(self, step):
        step = ops.cast(step, "float32") + 1.0
        return self.peak * ops.minimum(step / max(self.warmup_steps, 1), 1.0)

    def get_config(self):
        return {"peak": self.peak, "warmup_steps": self.warmup_steps}


class _WarmupThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly to a peak, then falls until the end of a run."""

    def __init__(
        self,
        peak: float,
        total_steps: int,
        warmup_steps: int = 0,
        end_rate: float = 0.0,
    ):
        peak = arguments.finite_number("peak", peak)
        end_rate = arguments.finite_number("end_rate", end_rate)
        if not 0 <= warmup_steps <= total_steps or total_steps < 1:
            raise InputError(
                "`warmup_steps` must lie between 0 and `total_steps`, and "
                "`total_steps` must be positive. Received: warmup_steps="
                f"{warmup_steps}, total_steps={total_steps}. Warm up for "
                "fewer steps, or train for more."
            )
        if not 0 <= end_rate <= peak:
            raise InputError(
                "`end_rate` must lie between 0 and the peak. Received: "
                f"end_rate={end_rate}, peak={peak}."
            )
        self.peak = peak
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.end_rate = end_rate

    def height(self, left):
        """Returns what is left of the peak, from 1 to 0.

        Args:
            left: float32 scalar. Share of the fall that is to come.
        """
        raise NotImplementedError

    def __call__(self, step):
        step = ops.cast(step, "float32") + 1.0
        first = max(self.warmup_steps, 1)
        rising = self.peak * step / first
        left = (self.total_steps + 1 - step) / (self.total_steps + 1 - first)
        height = self.height(ops.clip(left, 0.0, 1.0))
        falling = self.end_rate + (self.peak - self.end_rate) * height
        return ops.minimum(rising, falling)

    def get_config(self):
        return {
            "peak": self.peak,
            "total_steps": self.total_steps,
            "warmup_steps": self.warmup_steps,
            "end_rate": self.end_rate,
        }


@keras.saving.register_keras_serializable(package=_PACKAGE)
class WarmupThenLinearDecay(_WarmupThenDecay):
    """Rises linearly to a peak, then falls linearly.

    Args:
        peak: float. The highest learning rate.
        total_steps: int. Updates in a run; the one after the last would have
            `end_rate`.
        warmup_steps: int. Updates by which the peak is reached.
        end_rate: float in [0, peak].

    Raises:
        InputError: if the steps are not `0 <= warmup_steps <= total_steps`
            with `total_steps` positive, or `end_rate` is out of range.

    Source: Devlin et al., 2019 (arXiv:1810.04805), appendix A.2.
    """

    def height(self, left):
        return left


@keras.saving.register_keras_serializable(package=_PACKAGE)
class WarmupThenCosineDecay(_WarmupThenDecay):
    """Rises linearly to a peak, then falls as half a wave of the cosine.

    Args:
        peak, total_steps, warmup_steps, end_rate: as those of
            `WarmupThenLinearDecay`.

    Raises:
        InputError: as there.

    Source: Loshchilov and Hutter, 2017 (arXiv:1608.03983), equation 5.
    """

    def height(self, left):
        # As a square of the sine, which does not vanish near the end.
        return ops.square(ops.sin(math.pi / 2 * left))


@keras.saving.register_keras_serializable(package=_PACKAGE)
class WarmupThenPolynomialDecay(_WarmupThenDecay):
    """Rises linearly to a peak, then falls as a power of what is left.

    Args:
        peak, total_steps, warmup_steps, end_rate: as those of
            `WarmupThenLinearDecay`.
        power: float above 0. Of the share of the fall that is to come; 1 is
            linear, more is steeper at first.

    Raises:
        InputError: as there, or if `power` is not positive.
    """

    def __init__(
        self,
        peak: float,
        total_steps: int,
        warmup_steps: int = 0,
        end_rate: float = 0.0,
        power: float = 2.0,
    ):
        super().__init__(peak, total_steps, warmup_steps, end_rate)
        if not arguments.finite_number("power", power) > 0:
            raise InputError(
                f"`power` must be positive. Received: power={power}. 1 makes "
                "the rate fall linearly."
            )
        self.power = power

    def height(self, left):
        return ops.power(left, self.power)

    def get_config(self):
        return {**super().get_config(), "power": self.power}
