"""An option of the optimizer is declared once, for all who take it."""

import inspect

import pytest

import keras_bert_zoo as zoo
from keras_bert_zoo import testing as zoo_testing
from keras_bert_zoo.arguments import declared
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.optimizers.options import AdamOptions
from keras_bert_zoo.training.optimizers.options import LayerOptions
from keras_bert_zoo.training.optimizers.options import OptimizerOptions
from keras_bert_zoo.training.optimizers.options import UpdateOptions
from keras_bert_zoo.training.optimizers.recipe import recipe_of
from keras_bert_zoo.workflows.options import options_of

OF_FLAGS = (OptimizerOptions(), LayerOptions(), UpdateOptions())
ALL = (OptimizerOptions(), LayerOptions(), AdamOptions())
FLAGS = [one for kind in OF_FLAGS for one in declared(type(kind))]


@pytest.mark.parametrize(
    ("taker", "declarations", "own"),
    [
        (zoo.OptimizerRecipe, ALL, {"schedule"}),
        (zoo.TaskModel.compile, ALL, {"optimizer", "schedule"}),
        (zoo.finetune, OF_FLAGS, set()),
        (
            zoo.pretrain,
            (OptimizerOptions(), UpdateOptions(global_clipnorm=1.0)),
            set(),
        ),
    ],
    ids=["recipe", "compile", "finetune", "pretrain"],
)
def test_who_takes_options_shows_each(taker, declarations, own):
    parameters = inspect.signature(taker).parameters
    doc = " ".join(inspect.getdoc(taker).split())
    for given in declarations:
        for option in declared(type(given)):
            assert option.name in parameters
            if option.name not in own:
                default = getattr(given, option.name)
                assert parameters[option.name].default == default
                assert f" {option.name}: {option.help}." in doc


def test_flags_are_what_is_declared():
    flags = {one.name: one for one in options_of(zoo.finetune)}
    for option in FLAGS:
        flag = flags[option.name]
        assert flag.values == option.values
        assert flag.choices == option.choices
        assert flag.help == option.help


def refusal(call, *args, **options):
    with pytest.raises(InputError) as caught:
        call(*args, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        *({one.name: "other" if one.choices else -1} for one in FLAGS),
        {"warmup_fraction": 0.5, "warmup_steps": 2},
        {"unfreeze_every": 2, "unfreeze_fraction": 0.5},
    ],
    ids=", ".join,
)
def test_what_is_not_allowed_is_refused_in_the_same_words(options):
    by_recipe = refusal(zoo.OptimizerRecipe, **options)
    given = dict.fromkeys(("head", "preset", "train", "out"), "any")
    assert refusal(zoo.finetune, **given, **options) == by_recipe
    if "optimizer" not in options:
        assert refusal(recipe_of, "auto", **options) == by_recipe


@pytest.mark.parametrize(
    "option", declared(UpdateOptions), ids=lambda o: o.name
)
def test_optimizers_refuse_what_a_recipe_does(option):
    given = {option.name: -1}
    by_recipe = refusal(zoo.OptimizerRecipe, **given)
    assert refusal(zoo.AdamW, 0.1, **given) == by_recipe


def test_optimizers_name_the_options_that_they_take():
    message = refusal(zoo.AdamW, 0.1, amsgrad=True)
    for option in declared(AdamOptions):
        assert option.name in message
    assert message.startswith("AdamW takes")
    assert "Received: amsgrad" in message


def made_model():
    tokenizer = zoo_testing.tiny_tokenizer(["good bad"])
    return zoo.TaskModel(
        zoo_testing.tiny_encoder(len(tokenizer.vocabulary)),
        zoo.ClassificationHead(["no", "yes"]),
        tokenizer,
    )


def test_a_misspelt_option_is_named_as_it_is_spelt():
    message = refusal(zoo.AdamW, 0.1, global_clipnrom=1.0)
    assert message.endswith("Did you mean global_clipnorm?")
    message = refusal(made_model().compile, lerning_rate=0.1)
    assert message.endswith(": lerning_rate. Did you mean learning_rate?")
    message = refusal(made_model().compile, xyz=0.1)
    assert message.endswith("Received: xyz. Leave it out.")


def test_what_compile_refuses_changes_nothing():
    model = made_model()
    model.compile(learning_rate=0.5)
    for refused in (
        {"weight_decay": None},
        {"optimizer": "lamb", "learnin_rate": 1.0},
        {"optimizer": zoo.AdamW(), "weight_decay": None},
    ):
        with pytest.raises(InputError):
            model.compile(**refused)
    model.fit(["good", "bad"], ["yes", "no"], verbose=0)
    assert type(model.optimizer) is zoo.AdamW
    assert (
        model.optimizer.get_config()["learning_rate"]["config"]["peak"] == 0.5
    )


@pytest.mark.parametrize("kind", [zoo.AdamW, zoo.Lamb])
@pytest.mark.parametrize(
    "options", [{"weight_decay": 2.0}, {"learning_rate": float("nan")}]
)
def test_rates_are_numbers_in_their_range(kind, options):
    with pytest.raises(InputError, match=next(iter(options))):
        kind(**options)


def test_a_schedule_of_another_signature_is_refused():
    recipe = zoo.OptimizerRecipe(schedule=zoo.WarmupThenConstant)
    encoder = zoo_testing.tiny_encoder(7)
    with pytest.raises(InputError, match="peak, total steps and warm-up steps"):
        recipe.make(encoder, 10)
    no_warmup = zoo.OptimizerRecipe(warmup_steps=0, learning_rate=0.1)
    rate = no_warmup.make(encoder, 10).schedule
    assert float(rate(0)) == pytest.approx(0.1)
