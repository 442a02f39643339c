"""SavedModel: raw strings in, answers out, for TF Serving and any language."""

import pathlib

import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import Option
from savedmodels import float32
from savedmodels import serving_functions
from savedmodels import verification
from savedmodels.exporter import Exporter

TOLERANCE = 1e-5
ENGINES = ("graph", "fast")


class SavedModelExporter(Exporter):
    """Exports a model with its tokenizer inside.

    `serving_default` takes raw strings, one input per text field of the
    head, and returns its answers: of `(n,)` or `(n, 1)` texts, `n` of each;
    of a single text, `()`, one without that axis. `token_ids` takes what the
    encoder reads, at most as many tokens as it has positions, and returns
    logits too. For TF Serving, name the directory by a version
    number: `models/sentiment/1`. A model trained in mixed precision is
    exported in float32.

    Args:
        tokenizer_engine: str. `graph` needs no operation beyond
            TensorFlow's own and loads everywhere; `fast` needs
            tensorflow-text's operations wherever the model is loaded.

    Raises:
        InputError: if the engine is unknown.
    """

    name = "saved_model"

    def __init__(self, tokenizer_engine: str = "graph"):
        if tokenizer_engine not in ENGINES:
            raise InputError(
                f"`tokenizer_engine` must be one of {', '.join(ENGINES)}. "
                f"Received: {tokenizer_engine!r}."
            )
        self.tokenizer_engine = tokenizer_engine

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option(
                "tokenizer_engine",
                str,
                "graph",
                "operations that the tokenizer may use: TensorFlow's own "
                "(graph), or tensorflow-text's too (fast)",
                ENGINES,
            ),
        )

    def signatures(self, model) -> dict:
        return {
            "serving_default": model.head.signature(),
            "token_ids": serving_functions.token_signature(model, None, None),
        }

    def write(self, model, directory: pathlib.Path) -> None:
        model = float32.twin(model)
        signatures = self.signatures(model)
        functions = {
            "serving_default": serving_functions.answer_texts(
                model, self.tokenizer_engine
            ),
            "token_ids": serving_functions.answer_tokens_in_length(model),
        }
        specs = {
            "serving_default": serving_functions.text_specs,
            "token_ids": serving_functions.specs,
        }
        traced = {
            name: tf.function(function, autograph=False).get_concrete_function(
                **specs[name](signatures[name])
            )
            for name, function in functions.items()
        }
        module = tf.Module()
        # TensorFlow variables, not Keras ones: a session, which is how
        # TF Serving loads, finds no variable that Keras holds.
        module.weights = {
            id(variable): variable
            for function in traced.values()
            for variable in function.variables
        }
        module.weights = list(module.weights.values())
        tf.saved_model.save(module, directory, signatures=traced)

    def verify(self, model, directory: pathlib.Path) -> dict:
        model = float32.twin(model)
        loaded = tf.saved_model.load(directory)
        texts = verification.probe_texts(model.head)
        inputs = verification.probe_inputs(model)
        # In a graph, as `predict_text` runs it.
        expected = tf.function(
            serving_functions.answer_tokens(model), autograph=False
        )(**inputs)
        by_text = loaded.signatures["serving_default"](
            **{field: tf.constant(values) for field, values in texts.items()}
        )
        by_tokens = loaded.signatures["token_ids"](**inputs)
        described = self.signatures(model)["token_ids"].outputs

        def real(outputs):
            return verification.of_real_tokens(
                model, described, _arrays(outputs), inputs
            )

        return {
            "probes": len(verification.PROBES),
            "tolerance": TOLERANCE,
            "serving_default": verification.compare_answers(
                model, _arrays(by_text), TOLERANCE
            ),
            "token_ids": verification.compare(
                real(expected), real(by_tokens), TOLERANCE
            ),
        }


def _arrays(tensors: dict) -> dict:
    return {name: tensor.numpy() for name, tensor in tensors.items()}
