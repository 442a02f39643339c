"""The training step of every head compiles; one that cannot is told why."""

import every_head
import keras
import pytest
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.testing import check_tpu_ready
from keras_bert_zoo.testing import tpu_findings
from keras_bert_zoo.training.optimizers.layerwise import AdamW
from keras_bert_zoo.training.optimizers.layerwise import Lamb
from keras_bert_zoo.training.optimizers.recipe import OptimizerRecipe
from task_heads.classification.head import ClassificationHead

TABLE = tf.lookup.StaticHashTable(
    tf.lookup.KeyValueTensorInitializer(
        tf.constant([1, 2], tf.int64), [1.0, 2.0]
    ),
    default_value=0.0,
)


def strings(x):
    return tf.strings.to_number(tf.strings.as_string(x))


def strings_in_a_loop(x):
    return tf.while_loop(
        lambda i, x: i < 2, lambda i, x: (i + 1, strings(x)), (0, x)
    )[1]


def lookup(x):
    return TABLE.lookup(tf.cast(x, tf.int64))


def ragged(x):
    lengths = tf.reduce_sum(tf.cast(x > 0, tf.int32), 1)
    rows = tf.RaggedTensor.from_tensor(x, lengths)
    return rows.to_tensor(shape=x.shape)


def host(x):
    return tf.ensure_shape(tf.numpy_function(abs, [x], tf.float32), x.shape)


def masked(x):
    return x + tf.reduce_sum(tf.boolean_mask(x, x > 0))


def masked_in_a_branch(x):
    return tf.cond(tf.reduce_sum(x) > 0, lambda: masked(x), lambda: x)


def positions(x):
    return x + tf.cast(tf.reduce_sum(tf.where(x > 0)), x.dtype)


def different(x):
    values = tf.unique(tf.cast(tf.reshape(x, [-1]), tf.int32))[0]
    return x + tf.cast(tf.reduce_sum(values), x.dtype)


def counted(x):
    size = tf.reduce_sum(tf.cast(x > 0, tf.int32))
    return x + tf.cast(tf.reduce_sum(tf.range(size)), x.dtype)


def dawson(x):
    return tf.math.special.dawsn(x)


# What the layer does, the operation's type and part of its name, the rule.
BAD = {
    strings: (r"AsString \(.*suspect.*AsString\)", "no strings"),
    strings_in_a_loop: (r"AsString \(.*suspect.*while.*\)", "no strings"),
    lookup: (r"LookupTableFindV2 \(.*suspect.*\)", "no hash tables"),
    ragged: (r"RaggedTensorToTensor \(.*suspect.*\)", "no ragged tensors"),
    host: (r"PyFunc \(.*suspect.*PyFunc\)", "no calls of the host"),
    dawson: (r"Dawsn \(.*suspect.*Dawsn\)", "operations with an XLA kernel"),
    masked: (r"Where \(.*suspect.*boolean_mask/Where\)", "sizes that do not"),
    masked_in_a_branch: (r"Where \(.*suspect.*Where\)", "sizes that do not"),
    positions: (r"Where \(.*suspect.*Where\)", "sizes that do not depend"),
    counted: (
        r"Range \(.*suspect.*range\), whose input 1 .*",
        "sizes that do not",
    ),
    different: (r"Unique \(.*suspect.*Unique\)", "sizes that do not depend"),
}
FAST = (masked,)


class Suspect(keras.layers.Layer):
    """Does to an encoder's output what a head should not."""

    def __init__(self, function):
        super().__init__(name="suspect")
        self.function = function

    def call(self, inputs):
        return inputs + self.function(tf.stop_gradient(inputs))

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, inputs.dtype)


class SuspectHead(ClassificationHead):
    def __init__(self, function):
        super().__init__(["bad", "good"])
        self.function = function

    def build(self, encoder):
        pooled = encoder(encoder.input)["pooled_output"]
        logits = keras.layers.Dense(2)(Suspect(self.function)(pooled))
        return keras.Model(encoder.input, logits)


def fast_or_slow(cases, fast):
    return [
        pytest.param(case, marks=[] if case in fast else pytest.mark.slow)
        for case in cases
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", fast_or_slow(every_head.HEADS, ["pair"]))
def test_every_head_compiles(name):
    make_head, _ = every_head.HEADS[name]
    model = every_head.make_model(make_head())
    model.compile(optimizer=OptimizerRecipe().make(model.encoder, 9))
    check_tpu_ready(model, batch_size=3, bucket_lengths=(16, 32))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (AdamW, {"gradient_accumulation_steps": 2}),
        (Lamb, {"global_clipnorm": 1.0}),
        (
            keras.optimizers.SGD,
            {"use_ema": True, "ema_overwrite_frequency": 2},
        ),
    ],
)
def test_what_optimizers_do_compiles(kind, options):
    model = every_head.make_model(ClassificationHead(["bad", "good"]))
    model.compile(optimizer=kind(**options), jit_compile=True)
    check_tpu_ready(model)


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_compiles(policy):
    head = ClassificationHead(["bad", "good"])
    check_tpu_ready(every_head.make_model(head, dtype=policy))


class _OwnStep(TaskModel):
    def train_step(self, data):
        x, y = data
        loss = self.compute_loss(x, y, host(self(x, training=True)))
        return {"loss": loss}


@pytest.mark.slow
def test_a_step_of_the_model_s_own_is_checked():
    plain = every_head.make_model(ClassificationHead(["bad", "good"]))
    model = _OwnStep(plain.encoder, plain.head, plain.tokenizer)
    with pytest.raises(InputError, match=r"no calls of the host.*PyFunc \("):
        check_tpu_ready(model)


def test_a_model_of_a_strategy_is_refused():
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        model = every_head.make_model(ClassificationHead(["bad", "good"]))
    with pytest.raises(InputError, match="made under a OneDeviceStrategy"):
        check_tpu_ready(model)


@pytest.mark.slow
@pytest.mark.parametrize("function", fast_or_slow(BAD, FAST))
def test_a_head_that_cannot_be_compiled_is_reported(function):
    operation, rule = BAD[function]
    pattern = f"must have {rule}.* Received: {operation}, in batches of 8 x 32"
    with pytest.raises(InputError, match=pattern):
        check_tpu_ready(SuspectHead(function))


@pytest.mark.parametrize(
    "function", [strings, strings_in_a_loop, lookup, ragged, host]
)
def test_forbidden_operations_are_found(function):
    operation, rule = BAD[function]
    found = tpu_findings.forbidden_operation(graph_of(function))
    assert found.operation.split()[0] == operation.split()[0]
    assert found.rule == rule


def test_assertions_are_allowed():
    def asserted(x):
        tf.debugging.assert_greater(x, 0.0, message="positive")
        return x

    assert tpu_findings.forbidden_operation(graph_of(asserted)) is None


@pytest.mark.parametrize("function", [masked_in_a_branch, positions, different])
def test_sizes_that_depend_on_values_are_found(function):
    program = tf.function(function, jit_compile=True, autograph=False)
    hlo = program.experimental_get_compiler_ir(tf.zeros([4, 8]))(stage="hlo")
    found = tpu_findings.dynamic_dimension(hlo)
    assert found.operation.split()[0] == BAD[function][0].split()[0]


def test_an_operation_without_kernel_is_found():
    program = tf.function(dawson, jit_compile=True, autograph=False)
    with pytest.raises(ValueError) as error:
        program.experimental_get_compiler_ir(tf.zeros([4, 8]))(stage="hlo")
    found = tpu_findings.not_compiled(error.value)
    assert found.operation == "Dawsn (dawsn/Dawsn)"


def error_of(function):
    program = tf.function(function, jit_compile=True, autograph=False)
    types = tf.TensorSpec([4, 8], tf.float32)
    with pytest.raises(ValueError) as error:
        program.experimental_get_compiler_ir(types)(stage="hlo")
    return error.value


def test_a_size_that_is_computed_from_values_is_named():
    found = tpu_findings.not_compiled(error_of(counted))
    assert found.operation == (
        "Range (range), whose input 1 is computed from values"
    )
    assert found.rule == "sizes that do not depend on values"


def test_a_loop_without_a_known_end_is_named():
    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.while_loop(
                lambda y: tf.norm(y) < 9, lambda y: (tf.sin(y) * y,), (x,)
            )
        return tape.gradient(y, x)

    found = tpu_findings.not_compiled(error_of(slope))
    assert found.operation.startswith("gradient_tape/while")
    assert "(XLA compilation requires a fixed" in found.operation


def test_an_error_without_operation_is_passed_on():
    found = tpu_findings.not_compiled(ValueError("no memory\nat line 3"))
    assert found.operation == "no memory"


def graph_of(function):
    program = tf.function(function, autograph=False)
    types = tf.TensorSpec([4, 8], tf.float32)
    return program.get_concrete_function(types).graph.as_graph_def()
