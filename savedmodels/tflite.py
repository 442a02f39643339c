"""TFLite: token ids in, scores out, for phones and small devices."""

import pathlib
import tempfile
import warnings

import numpy as np
import tensorflow as tf

from keras_bert_zoo import arguments
from keras_bert_zoo import feature_names
from keras_bert_zoo.errors import ExportError
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import Option
from keras_bert_zoo.task import Signature
from savedmodels import float32
from savedmodels import serving_functions
from savedmodels import verification
from savedmodels.exporter import Exporter

MODEL_FILE = "model.tflite"

# Width of an input that the head adds to the encoder's, in static signatures.
EXTRA_LENGTH = 8

# Largest difference of a probability or logit, relative to the largest
# magnitude, between the file and the model: rounding weights to float16
# moves the answers a little, to int8 visibly.
TOLERANCES = {"none": 1e-4, "float16": 5e-3, "dynamic_int8": 0.25}


class TFLiteExporter(Exporter):
    """Exports the model behind the tokenizer, with built-in operations only.

    The file has a signature for each length, `tokens_32` and so on, which
    share their weights: run the shortest that holds the text. Inputs are
    int32 `(batch, length)`, those of the encoder; and `(batch, 8)` for what a
    head reads beside them. The tokenizer's files lie beside it.

    Args:
        quantize: str. `none` (float32), `float16` weights, or
            `dynamic_int8` weights.
        sequence_length: int or `None`. The only length, in tokens; by
            default 32, 64 and 128, as far as the model reads, and all that
            it reads where its head splits long texts.
        dynamic: bool. Whether one signature, `tokens`, takes any length that
            the encoder reads instead. A longer one is an error of the
            interpreter's.
        batch: int. Sequences that the file takes at once. A file for one, the
            default, cannot be resized to more; 0 makes one for any number.

    Raises:
        InputError: if an option breaks a rule, or a dynamic length is fixed.
    """

    name = "tflite"

    def __init__(
        self,
        quantize: str = "none",
        sequence_length: int | None = None,
        dynamic: bool = False,
        batch: int = 1,
    ):
        if quantize not in TOLERANCES:
            raise InputError(
                f"`quantize` must be one of {', '.join(TOLERANCES)}. "
                f"Received: {quantize!r}."
            )
        if sequence_length is not None:
            sequence_length = arguments.whole_number(
                "sequence_length", sequence_length
            )
            if dynamic is True:
                raise InputError(
                    "A dynamic length is not fixed. Received: dynamic and "
                    f"sequence_length={sequence_length}. Give one of them."
                )
        self.quantize = quantize
        self.sequence_length = sequence_length
        self.dynamic = arguments.flag("dynamic", dynamic)
        self.batch = arguments.whole_number("batch", batch, lowest=0)

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option(
                "quantize",
                str,
                "none",
                "how weights are rounded",
                tuple(TOLERANCES),
            ),
            Option(
                "sequence_length",
                int,
                None,
                "the only length, in tokens (default: 32, 64 and 128, and "
                "the model's where long texts are split)",
            ),
            Option(
                "dynamic", bool, False, "take any length that the model reads"
            ),
            Option("batch", int, 1, "sequences taken at once; 0: any number"),
        )

    def signatures(self, model) -> dict:
        signatures = {}
        for name, length in self._lengths(model).items():
            lengths = (length, EXTRA_LENGTH)
            if self.dynamic:
                lengths = (None, None)
            full = serving_functions.token_signature(
                model, lengths[0], self.batch or None, lengths[1]
            )
            numbers = tuple(
                info for info in full.outputs if info.dtype != "string"
            )
            signatures[name] = Signature(full.inputs, numbers)
        return signatures

    def write(self, model, directory: pathlib.Path) -> None:
        model = float32.twin(model)
        module = tf.Module()
        traced = {}
        for name, signature in self.signatures(model).items():
            wanted = [info.name for info in signature.outputs]
            answer = serving_functions.answer_tokens(model)
            traced[name] = tf.function(
                lambda answer=answer, wanted=wanted, **inputs: {
                    key: value
                    for key, value in answer(**inputs).items()
                    if key in wanted
                },
                autograph=False,
            ).get_concrete_function(**serving_functions.specs(signature))
        # TensorFlow variables, not Keras ones: the converter writes NaN for
        # weights that Keras holds.
        module.weights = next(iter(traced.values())).variables
        with tempfile.TemporaryDirectory() as scratch:
            tf.saved_model.save(module, scratch, signatures=traced)
            converter = tf.lite.TFLiteConverter.from_saved_model(
                scratch, signature_keys=list(traced)
            )
            if self.quantize != "none":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if self.quantize == "float16":
                converter.target_spec.supported_types = [tf.float16]
            content = converter.convert()
        (directory / MODEL_FILE).write_bytes(content)
        model.tokenizer.save(directory)

    def verify(self, model, directory: pathlib.Path) -> dict:
        model = float32.twin(model)
        interpreter = _interpreter(directory / MODEL_FILE)
        tolerance = TOLERANCES[self.quantize]
        result = {"tolerance": tolerance}
        # As `token_signature` describes them, without fixed sizes.
        described = serving_functions.token_signature(model, None, None).outputs
        for name, length in self._lengths(model).items():
            run = interpreter.get_signature_runner(name)
            inputs = verification.probe_inputs(model, length, EXTRA_LENGTH)
            largest = 0.0
            num_rows = len(inputs[feature_names.TOKEN_IDS])
            size = self.batch or num_rows
            for start in range(0, num_rows, size):
                # The last one again, where a batch needs more.
                rows = np.minimum(np.arange(start, start + size), num_rows - 1)
                some = {
                    key: tf.gather(value, rows) for key, value in inputs.items()
                }
                expected = serving_functions.answer_tokens(model)(**some)
                numbers = {
                    key: value.numpy()
                    for key, value in expected.items()
                    if value.dtype != tf.string
                }
                received = run(**{k: v.numpy() for k, v in some.items()})
                difference = self._compare(
                    name,
                    verification.of_real_tokens(
                        model, described, numbers, some
                    ),
                    verification.of_real_tokens(
                        model, described, received, some
                    ),
                )
                largest = max(largest, difference)
            result[name] = largest
        return result

    def _compare(self, name: str, expected: dict, received: dict) -> float:
        try:
            return verification.compare(
                expected, received, TOLERANCES[self.quantize]
            )
        except ExportError as error:
            if self.quantize == "none":
                raise
            raise ExportError(
                f"{name}, quantize={self.quantize}: {error} Nothing was kept. "
                "Choose another kind of rounding, or none."
            ) from error

    def _lengths(self, model) -> dict[str, int]:
        longest = model.sequence_length
        if self.dynamic:
            return {"tokens": longest}
        if self.sequence_length is None:
            lengths = [size for size in (32, 64, 128) if size <= longest]
            # The sequences of a split text are as long as the model reads.
            if not lengths or model.head.splits_texts:
                lengths = sorted({*lengths, longest})
        else:
            shortest = model.tokenizer.num_special_tokens(1) + 1
            if not shortest <= self.sequence_length <= longest:
                raise InputError(
                    f"`sequence_length` must lie between {shortest} and the "
                    f"model's {longest} tokens. Received: "
                    f"{self.sequence_length}."
                )
            lengths = [self.sequence_length]
        return {f"tokens_{size}": size for size in lengths}


def _interpreter(path: pathlib.Path) -> tf.lite.Interpreter:
    with warnings.catch_warnings():
        # TensorFlow points to the package that will replace it; the pinned
        # version still has its own.
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is dep")
        return tf.lite.Interpreter(str(path))
