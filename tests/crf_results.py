"""Prints what the chain of tags gives on whichever Keras backend is chosen.

The backend, the loss, the sum of its partition, and the best paths. A program
of its own, because a process has one backend; it runs where TensorFlow is not
installed.
"""

import keras
import numpy as np

from task_heads.tagging import crf
from task_heads.tagging.crf import CrfLoss
from task_heads.tagging.crf import TransitionScores


def main():
    random = np.random.default_rng(0)
    logits = random.normal(size=(3, 6, 4)).astype("float32")
    is_word = random.random((3, 6)) < 0.7
    tags = random.integers(0, 4, (3, 6)).astype("int32")
    layer = TransitionScores()
    layer.build(logits.shape)
    layer.set_weights([random.normal(size=(5, 4))])
    potentials = layer(logits)
    loss = CrfLoss()(tags, potentials, is_word.astype("float32"))
    _, total = crf.pair_marginals(potentials, is_word)
    path = crf.best_path(potentials, is_word)
    print(
        keras.backend.backend(),
        f"{float(loss):.4f}",
        f"{float(keras.ops.sum(total)):.4f}",
        keras.ops.convert_to_numpy(path).tolist(),
    )


if __name__ == "__main__":
    main()
