"""Prints how far losses of any form differ on two devices, or the refusal."""

import contextlib
import json

import keras
import loss_forms
import two_devices

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.model import ReplicatedModel

# The second replica has none of the last batch's rows.
OPTIONS = {
    "numbers": {"metrics": ["mae"], "weighted_metrics": ["mse"]},
    "dicts": {"run_eagerly": True},
}


def masked(scope, reduction):
    """Returns the loss of predictions that have a mask, or the refusal."""
    with scope:
        keras.utils.set_random_seed(1)
        inputs = keras.Input((6,), dtype="int32")
        vectors = keras.layers.Embedding(3, 4, mask_zero=True)(inputs)
        model = ReplicatedModel(inputs, keras.layers.Dense(3)(vectors))
        model.compile("sgd", loss_forms.cross_entropy(reduction=reduction))
    ids = loss_forms.TAGS + 1
    try:
        return model.evaluate(ids % 3, ids % 3, batch_size=8, verbose=0)
    except InputError as error:
        return str(error)


def main():
    strategy = two_devices.strategy()
    found = {}
    for name in loss_forms.FORMS:
        options = OPTIONS.get(name, {})
        one = loss_forms.fitted(ReplicatedModel, name, **options)
        with strategy.scope():
            two = loss_forms.fitted(ReplicatedModel, name, **options)
        found[name] = two_devices.difference(one, two)
    sums = [
        masked(scope, "sum")
        for scope in (contextlib.nullcontext(), strategy.scope())
    ]
    refusal = masked(strategy.scope(), "sum_over_batch_size")
    print(json.dumps([found, sums, refusal]))


if __name__ == "__main__":
    main()
