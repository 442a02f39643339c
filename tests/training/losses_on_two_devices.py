"""Prints how far losses of any form differ on two devices, or the refusal."""

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


def masked(scope):
    """Returns what is said of predictions that have a mask."""
    with scope:
        inputs = keras.Input((6,), dtype="int32")
        vectors = keras.layers.Embedding(3, 4, mask_zero=True)(inputs)
        model = ReplicatedModel(inputs, keras.layers.Dense(3)(vectors))
        model.compile("sgd", loss_forms.cross_entropy())
    ids = loss_forms.TAGS + 1
    try:
        model.evaluate(ids % 3, ids % 3, verbose=0)
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
    print(json.dumps([found, masked(strategy.scope())]))


if __name__ == "__main__":
    main()
