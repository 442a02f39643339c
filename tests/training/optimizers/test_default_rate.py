"""The learning rate where nobody has named one."""

import pytest

import keras_bert_zoo as zoo
from keras_bert_zoo import testing
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe
from keras_bert_zoo.training.optimizers.recipe import default_rate
from task_heads.classification.head import ClassificationHead


class Sized:
    weights = ()

    def __init__(self, **sizes):
        vars(self).update(sizes)


@pytest.mark.parametrize(
    ("num_layers", "hidden_dim", "expected"),
    [
        (12, 768, 5e-5),
        (24, 1024, 1.9e-5),
        (6, 384, 2e-4),
        (2, 384, 6e-4),
        (1, 8, 1e-3),
    ],
)
def test_smaller_encoders_have_higher_rates(num_layers, hidden_dim, expected):
    encoder = Sized(num_layers=num_layers, hidden_dim=hidden_dim)
    rate, reason = default_rate("adamw", encoder)
    assert rate == pytest.approx(expected)
    assert str(hidden_dim) in reason
    assert ("no more than 0.001" in reason) == (hidden_dim == 8)


@pytest.mark.parametrize(
    ("model_class", "head", "expected"),
    [
        (zoo.TaskModel, ClassificationHead(labels=["a", "b"]), 3e-4),
        (zoo.PretrainingModel, "masked_lm", 1e-3),
    ],
)
def test_fine_tuning_bounds_it_more(model_class, head, expected):
    tokenizer = testing.tiny_tokenizer(["a fine film"])
    encoder = testing.tiny_encoder(tokenizer.vocabulary_size)
    model = model_class(encoder, head, tokenizer)
    model.compile()
    assert float(model.optimizer.learning_rate) == pytest.approx(expected)
    model.compile_for(num_batches=None)
    assert float(model.optimizer.learning_rate) == pytest.approx(expected)


def test_an_encoder_that_does_not_tell_its_size_has_that_of_bert_base():
    assert default_rate("adamw", Sized())[0] == 5e-5


def test_a_head_alone_has_a_higher_rate():
    encoder = testing.tiny_encoder(10, hidden_dim=768, num_layers=2)
    rate, reason = default_rate("adamw", encoder, trained=[])
    assert rate == 1e-3
    assert "head" in reason
    rate, _ = default_rate("adamw", encoder, encoder.weights)
    assert rate == pytest.approx(3e-4)


def test_a_recipe_takes_it_unless_it_has_its_own():
    encoder = testing.tiny_encoder(10)
    rate, _ = default_rate("adamw", encoder)
    assert float(OptimizerRecipe().make(encoder).learning_rate) == (
        pytest.approx(rate)
    )
    own = OptimizerRecipe(learning_rate=3e-5).make(encoder)
    assert float(own.learning_rate) == pytest.approx(3e-5)
