"""Label smoothing, compared with Keras' on one-hot labels."""

import keras
import numpy as np
import pytest

from keras_bert_zoo.errors import InputError
from task_heads.classification.head import ClassificationHead
from task_heads.classification.losses import SmoothedCrossentropy

LABELS = np.array([0, 2, 1, 2])
LOGITS = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 0.0, 2.0, 0.5])])
def test_equals_that_of_one_hot_labels(smoothing, weights):
    theirs = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing
    )(np.eye(3)[LABELS], LOGITS, weights)
    ours = SmoothedCrossentropy(smoothing)(LABELS, LOGITS, weights)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)


def test_labels_may_stand_in_a_column():
    loss = SmoothedCrossentropy(0.1)
    assert float(loss(LABELS[:, None], LOGITS)) == float(loss(LABELS, LOGITS))


def test_its_config_makes_it_again():
    twin = SmoothedCrossentropy.from_config(
        SmoothedCrossentropy(0.2).get_config()
    )
    assert twin.label_smoothing == 0.2


def test_the_head_takes_it():
    head = ClassificationHead(["a", "b"], label_smoothing=0.1)
    assert isinstance(head.losses(), SmoothedCrossentropy)
    assert head.get_config()["label_smoothing"] == 0.1


@pytest.mark.parametrize(
    ("smoothing", "kind"),
    [(1.0, "single_label"), (-0.1, "multi_label"), (0.1, "regression")],
)
def test_a_wrong_fraction_is_refused(smoothing, kind):
    labels = None if kind == "regression" else ["a", "b"]
    with pytest.raises(InputError, match=f"label_smoothing={smoothing}"):
        ClassificationHead(labels, kind, label_smoothing=smoothing)
