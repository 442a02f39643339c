"""Prints what each of two workers receives of the first one's numbers."""

import json

import keras
import ml_dtypes
import numpy as np
import two_devices

from keras_bert_zoo.training import distribution


def main():
    strategy = two_devices.strategy()
    arrays = {}
    if distribution.is_chief(strategy):
        arrays = {
            name: np.array([0, 1, 3], name)
            for name in ("bool", "float16", "float32", "int64", "uint32")
        }
        arrays["bfloat16"] = np.array([0, 1, 3], ml_dtypes.bfloat16)
    _, arrays = distribution.from_chief(strategy, {}, arrays)
    found = {}
    for name, array in arrays.items():
        variable = keras.Variable(np.zeros(3), dtype=name)
        variable.assign(array)
        found[name] = variable.numpy().astype(float).tolist()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
