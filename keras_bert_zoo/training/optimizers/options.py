"""The options of training's optimizer, declared for all who take them.

What takes them, `OptimizerRecipe`, the optimizers, `TaskModel.compile`, the
workflows and their flags, has the names, defaults, checks and explanations of
these classes. Read without TensorFlow.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

from keras_bert_zoo.arguments import Batches
from keras_bert_zoo.arguments import Fraction
from keras_bert_zoo.arguments import FractionAboveZero
from keras_bert_zoo.arguments import FractionBelowOne
from keras_bert_zoo.arguments import Options
from keras_bert_zoo.arguments import PositiveFloat
from keras_bert_zoo.arguments import Steps
from keras_bert_zoo.arguments import StepsFromZero
from keras_bert_zoo.arguments import VariableName


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerOptions(Options):
    """Which optimizer, and by what rate it moves the weights.

    Args:
        optimizer: lamb scales the update of each weight matrix by its norm,
            and so needs a higher learning rate.
        schedule: how the learning rate decays after warm-up.
        learning_rate: the highest, after warm-up (default: one that suits
            the encoder's size, which is reported).
        warmup_fraction: fraction of the steps in which the learning rate
            rises (default: 0.1).
        warmup_steps: the same as a number of steps.
        weight_decay: decoupled weight decay, as a factor of the learning
            rate; not of biases and layer norms.
    """

    optimizer: Literal["adamw", "lamb"] = "adamw"
    schedule: Literal["constant", "cosine", "linear", "polynomial"] = "linear"
    learning_rate: PositiveFloat | None = None
    warmup_fraction: Fraction | None = None
    warmup_steps: StepsFromZero | None = None
    weight_decay: Fraction = 0.01

    alternatives = (("warmup_fraction", "warmup_steps"),)


@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerOptions(Options):
    """How the layers of an encoder are told apart.

    Args:
        layer_decay: learning rate of each encoder layer as a fraction of
            that of the layer above.
        unfreeze_every: gradual unfreezing: train the head alone at first, then
            one more layer, from the top, after each so many steps.
        unfreeze_fraction: the same as a fraction of all steps.
    """

    layer_decay: FractionAboveZero = 1.0
    unfreeze_every: Steps | None = None
    unfreeze_fraction: Fraction | None = None

    alternatives = (("unfreeze_every", "unfreeze_fraction"),)


@dataclasses.dataclass(frozen=True, kw_only=True)
class UpdateOptions(Options):
    """What becomes of gradients and updated weights.

    Args:
        global_clipnorm: maximum global norm of all gradients.
        gradient_accumulation_steps: batches whose mean gradient makes one
            step.
        ema_momentum: validate and save exponential moving averages of the
            weights, with this momentum, such as 0.99.
    """

    global_clipnorm: PositiveFloat | None = None
    gradient_accumulation_steps: Batches = 1
    ema_momentum: FractionBelowOne | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdamOptions(UpdateOptions):
    """What AdamW and LAMB have in common, some of it in Python alone.

    Args:
        {UpdateOptions}
        beta_1: decay rate of the first moment estimates.
        beta_2: decay rate of the second moment estimates.
        epsilon: constant for numerical stability.
        clipnorm: maximum norm of the gradient of each variable.
        clipvalue: maximum absolute value in a gradient.
        loss_scale_factor: what the loss is multiplied by, and gradients are
            divided by.
        name: of the optimizer and its variables.
    """

    beta_1: FractionBelowOne = 0.9
    beta_2: FractionBelowOne = 0.999
    epsilon: PositiveFloat = 1e-6
    clipnorm: PositiveFloat | None = None
    clipvalue: PositiveFloat | None = None
    loss_scale_factor: PositiveFloat | None = None
    name: VariableName | None = None

    alternatives = (("global_clipnorm", "clipnorm", "clipvalue"),)
