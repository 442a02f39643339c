"""The private names of Keras in an update of weights and their averages."""

import contextlib
import functools
from collections.abc import Iterator

import keras

from keras_bert_zoo.training import keras_names
from keras_bert_zoo.training import replicas


def begin_averages(model: keras.Model) -> None:
    """Lets averages of the weights, if there are any, begin with the weights.

    Keras fills them in the first update. If loss scaling skips all steps up to
    where averages are put into the model, they are zeros. Those of
    ScheduleFreeAdamW it fills when it makes them, which may be before weights
    are loaded.

    Args:
        model: compiled. Nothing changes in it after the first update.
    """
    optimizer = model.optimizer
    if optimizer is None:
        return
    schedule_free = keras.optimizers.ScheduleFreeAdamW
    averaging = [
        one
        for one in keras_names.updating(optimizer)
        if (one.use_ema or isinstance(one, schedule_free))
        and one.iterations.numpy() == 0
    ]
    if not averaging:
        return
    with model.distribute_strategy.scope():
        if not optimizer.built:
            optimizer.build(model.trainable_variables)
        for one in averaging:
            # Of several, one may have nothing to update.
            averages = []
            if one.built and one.use_ema:
                averages.append(one._model_variables_moving_average)
            if one.built and isinstance(one, schedule_free):
                averages.append(one._momentums)
            for each in averages:
                for variable, average in zip(one._trainable_variables, each):
                    if average is not None:
                        average.assign(variable)


@contextlib.contextmanager
def reduced_gradients(optimizer: keras.optimizers.Optimizer) -> Iterator[None]:
    """Lets an optimizer take gradients that are sums over all replicas.

    It does not add them up again, and decides outside of the replicas what
    it does in some steps only.
    """
    updating = keras_names.updating(optimizer)
    for one in updating:
        one._all_reduce_sum_gradients = list
        one._backend_apply_gradients = functools.partial(_apply, one)
    try:
        yield
    finally:
        for one in updating:
            del one._all_reduce_sum_gradients
            del one._backend_apply_gradients


def _apply(optimizer, gradients, variables):
    num_steps = optimizer.gradient_accumulation_steps
    if num_steps:
        places = [optimizer._get_variable_index(one) for one in variables]
        kept = [optimizer._accumulated_gradients[place] for place in places]

        def update(gradients):
            means = [
                (gradient + earlier) / num_steps
                for gradient, earlier in zip(gradients, kept)
            ]
            _update(optimizer, means, variables)
            optimizer._backend_reset_gradient_accumulators()

        def wait(gradients):
            optimizer._backend_increment_gradient_accumulators(gradients, kept)

        is_last = (optimizer._iterations + 1) % num_steps == 0
        replicas.conditional(is_last, update, wait, (gradients,))
    else:
        _update(optimizer, gradients, variables)
    if optimizer.use_ema:
        averaged = optimizer._trainable_variables
        optimizer._update_model_variables_moving_average(averaged)
        frequency = optimizer.ema_overwrite_frequency
        if frequency:

            def overwrite():
                optimizer._overwrite_model_variables_with_average_value(
                    averaged
                )

            is_due = (optimizer.iterations + 1) % frequency == 0
            replicas.conditional(is_due, overwrite, lambda: None)


def _update(optimizer, gradients, variables):
    gradients = optimizer._clip_gradients(gradients)
    optimizer._apply_weight_decay(variables)
    optimizer._backend_update_step(
        gradients, variables, optimizer.learning_rate
    )
