"""Whether a TPU could run what `fit` does with a batch.

A TPU runs what XLA compiles, for shapes that are known beforehand. So the
step is compiled here, for the CPU: as far as the program that XLA is given
(HLO), into which only operations with an XLA kernel can be turned. What reads
and tokenizes texts runs on the host, and is no part of the step.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

import tensorflow as tf

from keras_bert_zoo import data
from keras_bert_zoo.data.batches import checked_bucket_lengths
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task.model import TaskModel
from keras_bert_zoo.testing.tiny_bert import tiny_encoder
from keras_bert_zoo.testing.tiny_bert import tiny_tokenizer
from keras_bert_zoo.testing.tpu_findings import Finding
from keras_bert_zoo.testing.tpu_findings import dynamic_dimension
from keras_bert_zoo.testing.tpu_findings import forbidden_operation
from keras_bert_zoo.testing.tpu_findings import not_compiled
from keras_bert_zoo.training import distribution


def check_tpu_ready(
    model: TaskModel | TaskHead,
    batch_size: int = 8,
    bucket_lengths: Sequence[int] | None = None,
) -> None:
    """Compiles the training step under XLA, and looks for what a TPU lacks.

    The step is all that a replica does with its part of a batch: forward
    pass, loss, gradients, update and metrics; or the model's `train_step`,
    where its class has one of its own. Nothing is trained.

    Args:
        model: `TaskModel`, compiled or not; or a `TaskHead`, which gets a
            tiny encoder.
        batch_size: int. Sequences in a batch.
        bucket_lengths: lengths of sequences, rising to the model's; as
            `data.default_bucket_lengths` if `None`.

    Raises:
        InputError: at the first operation that a TPU cannot run, naming it:
            one on strings, hash tables or ragged tensors, one that calls the
            host, one that XLA has no kernel for, and one whose result has a
            size that only its values tell. If the model was made under a
            strategy, too.
    """
    if isinstance(model, TaskHead):
        tokenizer = tiny_tokenizer(["a"])
        encoder = tiny_encoder(tokenizer.vocabulary_size)
        model = TaskModel(encoder, model, tokenizer)
    for length, step, types in training_steps(
        model, batch_size, bucket_lengths
    ):
        finding = _first_finding(step, types)
        if finding is not None:
            raise InputError(
                f"To be compiled for a TPU, the training step of {model.name} "
                f"must have {finding.rule}. Received: {finding.operation}, "
                f"in batches of {batch_size} x {length}. {finding.remedy}"
            )


def training_steps(
    model: TaskModel,
    batch_size: int,
    bucket_lengths: Sequence[int] | None = None,
) -> Iterator[tuple[int, Callable, list]]:
    """Yields what a replica does with its part of a batch, for each length.

    Args:
        model, batch_size, bucket_lengths: as `check_tpu_ready` takes them.

    Returns:
        Of each length: the length, a `tf.function` that XLA compiles, of the
        tensors of a batch one by one, and the `tf.TensorSpec` of these.

    Raises:
        InputError: if the model was made under a strategy.
    """
    strategy = distribution.strategy_of(model)
    if strategy is not None:
        raise InputError(
            "The step of one replica is compiled for a CPU. Received: a model "
            f"made under a {type(strategy).__name__}. Check one that is made "
            "without."
        )
    if not model.compiled:
        model.compile()
    if bucket_lengths is None:
        bucket_lengths = data.default_bucket_lengths(model.sequence_length)
    batches = data.build_dataset(
        [],
        model.head,
        model.tokenizer,
        sequence_length=model.sequence_length,
        batch_size=batch_size,
        drop_remainder=True,
    )
    for length in checked_bucket_lengths(bucket_lengths, model.sequence_length):
        types = _types_of_length(batches.element_spec, length, model.head)
        yield length, _training_step(model, types), tf.nest.flatten(types)


def _types_of_length(types: tuple, length: int, head: TaskHead) -> tuple:
    inputs, *targets = types

    def of_length(length):
        def static(spec):
            shape = [length if size is None else size for size in spec.shape]
            return tf.TensorSpec(shape, spec.dtype)

        return static

    extra = {info.name for info in head.token_inputs()}
    of_extra = of_length(head.extra_length(length))
    inputs = {
        name: of_extra(spec) if name in extra else of_length(length)(spec)
        for name, spec in inputs.items()
    }
    return (inputs, *tf.nest.map_structure(of_extra, targets))


def _training_step(model: TaskModel, types: tuple) -> Callable:
    """Returns a `tf.function` of the tensors of a batch, one by one."""
    if model.has_own_step():
        model.build_steps(types)
        train = model.train_step
    else:
        train = model.step(types).train

    def step(*tensors):
        return train(tf.nest.pack_sequence_as(types, tensors))

    return tf.function(step, jit_compile=True, autograph=False)


def _first_finding(step: Callable, types: list) -> Finding | None:
    graph = step.get_concrete_function(*types).graph
    found = forbidden_operation(graph.as_graph_def())
    if found is not None:
        return found
    try:
        hlo = step.experimental_get_compiler_ir(*types)(stage="hlo")
    except (ValueError, tf.errors.OpError) as error:
        return not_compiled(error)
    return dynamic_dimension(hlo)
