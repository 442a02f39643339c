"""An optimizer and its schedule, before the length of the run is known.

Steps are updates of the weights. Update 0, the first, moves the weights, and
so does the last one of a run.
"""

import dataclasses
import math
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import keras
from absl import logging
from keras import ops

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.layer_rates import layer_rates
from keras_bert_zoo.training.optimizers.layerwise import AdamW
from keras_bert_zoo.training.optimizers.layerwise import Lamb
from keras_bert_zoo.training.optimizers.options import AdamOptions
from keras_bert_zoo.training.optimizers.options import LayerOptions
from keras_bert_zoo.training.optimizers.options import OptimizerOptions

Schedule = keras.optimizers.schedules.LearningRateSchedule

# Devlin et al., 2019, appendix A.3: among the best for BERT-base, which has
# 12 layers of width 768.
BERT_BASE_RATE = 5e-5
BERT_BASE_SIZE = 12 * 768
HIGHEST_RATE = 1e-3
HEAD_RATE = 1e-3
LAMB_RATE = 1e-3


def default_rate(
    optimizer: str,
    encoder: keras.Model,
    trained: Iterable[keras.Variable] | None = None,
    highest: float = HIGHEST_RATE,
) -> tuple[float, str]:
    """Returns the peak learning rate, and the reason for it.

    Smaller encoders want higher rates: BERT-base's rises as the product of
    layers and width falls, no further than to `highest`. Measured in
    `benchmarks/README.md`.

    Args:
        optimizer: str. `adamw` or `lamb`.
        encoder: the encoder. BERT-base's rate is taken for one that does not
            tell `num_layers` and `hidden_dim`.
        trained: the variables that are trained; `None` for all.
        highest: float. For an encoder, with AdamW.
    """
    if optimizer == "lamb":
        return LAMB_RATE, "LAMB, which follows the length of the weights"
    if trained is not None:
        of_encoder = {id(variable) for variable in encoder.weights}
        if not any(id(variable) in of_encoder for variable in trained):
            return HEAD_RATE, "the head alone is trained"
    num_layers = getattr(encoder, "num_layers", None)
    hidden_dim = getattr(encoder, "hidden_dim", None)
    if num_layers is None or hidden_dim is None:
        return BERT_BASE_RATE, "that of BERT-base"
    rate = BERT_BASE_RATE * BERT_BASE_SIZE / (num_layers * hidden_dim)
    reason = f"{num_layers} layers of width {hidden_dim}"
    if rate > highest:
        rate = highest
        reason += f", but no more than {highest:g}"
    return float(f"{rate:.2g}"), reason


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class WarmupThenConstant(Schedule):
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


class _WarmupThenDecay(Schedule):
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


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
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


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
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


@keras.saving.register_keras_serializable(package="keras_bert_zoo")
class WarmupThenPolynomialDecay(_WarmupThenDecay):
    """Rises linearly to a peak, then falls as a power of what is left.

    Args:
        peak, total_steps, warmup_steps, end_rate: as those of
            `WarmupThenLinearDecay`.
        power: float above 0. Exponent of the decay; 1 is linear, more is
            steeper at first.

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


OPTIMIZERS = {"adamw": AdamW, "lamb": Lamb}
SCHEDULES = {
    "constant": lambda peak, _, warmup_steps: _constant(peak, warmup_steps),
    "cosine": WarmupThenCosineDecay,
    "linear": WarmupThenLinearDecay,
    "polynomial": WarmupThenPolynomialDecay,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerRecipe(AdamOptions, LayerOptions, OptimizerOptions):
    """An optimizer and its schedule, for runs of any length.

    `TaskModel.compile` takes it in place of an optimizer, and each `fit` makes
    a new optimizer for its number of steps. Steps are updates of the weights:
    with `gradient_accumulation_steps=4` there is one for four batches.

    Args:
        schedule: `linear`, `cosine`, `polynomial` or `constant`; or a
            callable that takes peak, total steps and warm-up steps and
            returns a Keras schedule, such as
            `functools.partial(WarmupThenCosineDecay, end_rate=1e-6)`.
        {OptimizerOptions}
        {LayerOptions}
        {AdamOptions}

    Raises:
        InputError: if a value is out of range, or options do not go together.

    Source: Devlin et al., 2019 (arXiv:1810.04805), appendix A, for what is
    the default.
    """

    # Not a name alone, as where flags give it. The default is inherited.
    schedule: str | Callable[..., Any]

    def __post_init__(self):
        super().__post_init__()
        if isinstance(self.schedule, Schedule):
            # It can be called too, but with a step.
            raise InputError(
                "`schedule` is a name or a function, because the number of "
                "steps is not known yet. Received: a finished "
                f"{type(self.schedule).__name__}. Give its class, or "
                "functools.partial of it, which is called with peak, total "
                "steps and warm-up steps; or give a Keras optimizer that has "
                "it."
            )
        if not callable(self.schedule):
            OptimizerOptions(schedule=self.schedule)

    @property
    def averages(self) -> bool:
        """Whether the model is to have averages of the weights."""
        return self.ema_momentum is not None

    def make(
        self,
        encoder: keras.Model,
        num_batches: int | None = None,
        trained: Iterable[keras.Variable] | None = None,
        highest_rate: float = HIGHEST_RATE,
    ) -> keras.optimizers.Optimizer:
        """Returns a new optimizer.

        Args:
            encoder: the encoder of the model that it is to train.
            num_batches: int or `None`. Batches in the run; below 1 where that
                is unknown, `None` where there is no run yet. In both cases
                the rate stays at its peak, once it has warmed up.
            trained: the model's trained variables; `None` for all.
            highest_rate: float. See `highest` of `default_rate`.

        Raises:
            InputError: if the run is too short for one step, or its length
                is unknown and shares of it are to be taken.
        """
        if trained is not None:
            trained = list(trained)
        peak = self.learning_rate
        if peak is None:
            peak, _ = default_rate(
                self.optimizer, encoder, trained, highest_rate
            )
        num_steps = self._num_steps(num_batches, peak)
        every = self.unfreeze_every or 0
        if num_steps and self.unfreeze_fraction:
            # At 0 no layer would wait.
            every = max(
                math.floor(_share(num_steps, self.unfreeze_fraction)), 1
            )
        rates = []
        if self.layer_decay != 1 or every:
            rates = layer_rates(encoder, self.layer_decay, every)
        late = [one.layer for one in rates if one.start >= num_steps > 0]
        if late and trained is not None:
            learning = {
                part for one in trained for part in one.path.split("/")[:-1]
            }
            late = [name for name in late if name in learning]
        if late:
            logging.warning(
                "The run has %d steps, too few for these layers to begin to "
                "learn: %s.",
                num_steps,
                ", ".join(late),
            )
        return OPTIMIZERS[self.optimizer](
            self._rate(num_steps, peak),
            self.weight_decay,
            layer_rates=rates,
            **AdamOptions.among(vars(self)),
        )

    def _num_steps(self, num_batches, peak):
        """Returns the steps in a run, 0 if unknown."""
        if num_batches is None:
            return 0
        if num_batches < 1:
            if self.unfreeze_fraction:
                raise InputError(
                    "`unfreeze_fraction` needs a known number of steps. "
                    "Received: data of unknown size. Give steps_per_epoch, "
                    "or unfreeze_every."
                )
            if self.schedule != "constant" or self.warmup_steps is None:
                logging.warning(
                    "The number of steps is unknown: the learning rate stays "
                    "at %g. Give steps_per_epoch for warm-up and decay.",
                    peak,
                )
            return 0
        share = self.gradient_accumulation_steps
        if num_batches < share:
            raise InputError(
                "A run must have enough batches for one step. Received: "
                f"{num_batches} batches, gradient_accumulation_steps={share}. "
                "Accumulate fewer, or make batches smaller."
            )
        return num_batches // share

    def _rate(self, num_steps, peak):
        warmup_steps = self.warmup_steps
        if not num_steps:
            return _constant(peak, warmup_steps or 0)
        if warmup_steps is None:
            fraction = self.warmup_fraction
            fraction = 0.1 if fraction is None else fraction
            warmup_steps = math.ceil(_share(num_steps, fraction))
        make = self.schedule
        if not callable(make):
            make = SCHEDULES[make]
        try:
            rate = make(peak, num_steps, warmup_steps)
        except TypeError as error:
            raise InputError(
                "`schedule` is called with peak, total steps and warm-up "
                f"steps. Received: {make!r:.60}, for which: {error}. Give a "
                "name, or a function of all three."
            ) from error
        # Schedules can be called, and Keras takes other functions, too.
        if isinstance(rate, float) or callable(rate):
            return rate
        raise InputError(
            "`schedule` must be a function that returns a Keras schedule or a "
            f"float. Received: one that returned {rate!r:.60}."
        )


def recipe_of(optimizer: Any, **options) -> OptimizerRecipe | None:
    """Returns the recipe that is meant by what `compile` is given.

    Args:
        optimizer: a recipe, the name of one or `auto`; else what Keras takes.
        **options: of a recipe, those that are given.

    Returns:
        `None` for what Keras takes.

    Raises:
        InputError: if options are given where none is made of them.
    """
    # As Keras does, whose own optimizers of these names decay all weights.
    name = optimizer.lower() if isinstance(optimizer, str) else None
    if name in ("auto", *OPTIMIZERS):
        name = "adamw" if name == "auto" else name
        return OptimizerRecipe(optimizer=name, **options)
    if options:
        raise InputError(
            f"Options such as {', '.join(options)} are for the optimizers "
            f"auto, {', '.join(OPTIMIZERS)}. Received: optimizer="
            f"{optimizer!r:.60}. Give them to the optimizer or the "
            "OptimizerRecipe itself."
        )
    return optimizer if isinstance(optimizer, OptimizerRecipe) else None


def _share(num_steps, fraction):
    # 7 % of 100 are 7, and not 7.000000000000001.
    return round(num_steps * fraction, 6)


def _constant(peak, warmup_steps):
    # Without a schedule, so that callbacks may set the rate.
    if not warmup_steps:
        return float(peak)
    return WarmupThenConstant(peak, warmup_steps)
