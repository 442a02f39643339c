"""What `TaskModel.fit` and `evaluate` are given becomes what Keras takes.

Texts, labels and mappings become examples, and examples padded batches;
tensors pass. `prepared` is all that happens before an epoch begins.
"""

import contextlib
import math
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from keras_bert_zoo import data
from keras_bert_zoo.arguments import finite_number
from keras_bert_zoo.arguments import whole_number
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task.epoch_score import EpochScore
from keras_bert_zoo.training import distribution
from keras_bert_zoo.training import keras_private
from keras_bert_zoo.training.callbacks.averaged_weights import AveragedWeights
from keras_bert_zoo.training.optimizers.layerwise import Layerwise
from keras_bert_zoo.training.resume import run_settings
from keras_bert_zoo.training.resume.backup import Backup

# Callbacks that set the learning rate.
_SET_RATES = (
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ReduceLROnPlateau,
)


@contextlib.contextmanager
def prepared(
    model: Any,
    x: Any,
    y: Any,
    batch_size: int,
    *,
    epochs: int,
    validation_data: Any,
    backup: Backup | None,
    fixed_shapes: bool | None,
    order: dict,
    columns: Mapping[str, str] | None = None,
    **others,
) -> Iterator[dict]:
    """Yields the arguments of Keras' `fit`, to be called in this context.

    Args:
        model: `TaskModel`, compiled.
        x, y, batch_size, epochs, validation_data, backup, fixed_shapes,
            columns: see `TaskModel.fit`.
        order: its `shuffle`, `seed`, `tokens_per_batch` and `packed_length`.
        **others: what goes to Keras as it is.

    Raises:
        InputError: as `TaskModel.fit`.
    """
    order = {
        **order,
        **fixed_shape_options(model, fixed_shapes, order),
    }
    if order["packed_length"] is not None:
        model.for_packed_sequences()
    epochs = whole_number("epochs", epochs, lowest=0)
    x = data.settled(x)
    examples = data.as_examples(
        x, y, model.head, others.get("sample_weight"), columns
    )
    if examples is None:
        _check_ready(fixed_shapes, order)
    else:
        others.pop("sample_weight", None)
        # Beside data of its own, Keras takes no notice of it.
        split = others.pop("validation_split", None)
        if split and validation_data is None:
            examples, validation_data = _split(examples, split)
        if others.get("class_weight"):
            others["class_weight"] = _by_index(
                others["class_weight"], model.head
            )
    if validation_data is not None:
        # Once: what an iterator gives first is taken to see what it is.
        validation_data = data.settled(validation_data)
        validation_data = (
            data.validation_examples(validation_data, model.head, columns)
            or validation_data
        )
    model.batch_examples = None
    if examples is not None:
        x, y = examples, None
        model.batch_examples = data.BatchExamples(
            model, examples, batch_size=batch_size, **order
        )
    strategy = model.distribute_strategy
    opened = contextlib.nullcontext()
    if backup is not None:
        opened = backup.opened(strategy)
    with opened:
        arguments = training_data(
            model,
            x,
            y,
            batch_size,
            model.input_counts,
            None if backup is None else backup.num_batches,
            **order,
        )
        if examples is not None:
            # Its examples are known to be in order by now.
            model.head.adapt(model, examples, model.tokenizer)
        if validation_data is not None:
            arguments |= validation_arguments(
                model, validation_data, batch_size
            )
        arguments |= {k: v for k, v in others.items() if v is not None}
        arguments |= {
            "epochs": epochs,
            "shuffle": order["shuffle"] and "y" in arguments,
        }
        # A single callback is one without a list.
        callbacks = keras.tree.flatten(arguments.get("callbacks", []))
        num_epochs = epochs - arguments.get("initial_epoch", 0)
        steps = num_batches(arguments, batch_size)
        if examples is None:
            _check_steps(arguments, batch_size)
        if model.compile_for(num_epochs * steps):
            callbacks.insert(0, AveragedWeights())
        _check_rate_callbacks(model.optimizer, callbacks)
        set_monitor_modes(model, callbacks)
        _warn_of_an_ended_schedule(model.optimizer)
        arguments["callbacks"] = callbacks
        settings = {}
        if backup is not None or distribution.are_several(strategy):
            settings = {
                **order,
                **_digests(model, x, validation_data),
                **_settings_of_fit(others),
                "batch_size": batch_size,
                "epochs": epochs,
                "head": model.head.get_config(),
                **_settings_of_parts(model),
                "precision": model.dtype_policy.name,
                "sequence_length": model.sequence_length,
                "steps_per_epoch": steps,
            }
            all_settings = run_settings.settings_of(model, settings, callbacks)
            run_settings.check_workers(
                strategy, run_settings.shared_settings(all_settings)
            )
        if backup is None:
            yield arguments
        else:
            with backup.of_run(model, settings, callbacks) as found:
                yield arguments | found


def fixed_shape_options(
    model, fixed_shapes: bool | None, order: Mapping[str, Any]
) -> dict:
    """Returns options of `build_dataset` for batches of few shapes, if wanted.

    Args:
        model: `TaskModel`, compiled.
        fixed_shapes: see `TaskModel.fit`.
        order: its `tokens_per_batch` and `packed_length`, among others.

    Raises:
        InputError: if shapes are to be few and one of these forbids it.
    """
    is_on_tpu = distribution.is_tpu(model.distribute_strategy)
    is_compiled = model.jit_compile or is_on_tpu
    if order["packed_length"] is not None and (is_compiled or fixed_shapes):
        raise InputError(
            "Packed sequences vary in number and length, where XLA needs few "
            "shapes. Received: packed_length="
            f"{order['packed_length']}, and a step that XLA compiles or "
            "fixed_shapes=True. Leave the first out"
            + (
                "."
                if is_on_tpu or not model.jit_compile
                else ", or compile with jit_compile=False."
            )
        )
    if fixed_shapes is None:
        fixed_shapes = is_compiled
    if not fixed_shapes:
        return {}
    if order["tokens_per_batch"] is not None:
        raise InputError(
            "Batches of fixed shapes, which XLA needs, have `batch_size` "
            "texts. Received: "
            f"tokens_per_batch={order['tokens_per_batch']}. Leave it out, or "
            "give fixed_shapes=False."
        )
    bucket_lengths = data.default_bucket_lengths(model.sequence_length)
    return {"drop_remainder": True, "bucket_lengths": bucket_lengths}


def _split(
    examples: data.Examples, fraction: float
) -> tuple[data.Examples, data.Examples]:
    """Returns the first examples, and the last, a fraction of all, as Keras.

    Raises:
        InputError: if they are not in memory, or a part would be empty.
    """
    if not isinstance(examples, data.MemoryExamples):
        raise InputError(
            "Only data in memory is split. Received: validation_split="
            f"{fraction}, for {type(examples).__name__}. Hold some out in a "
            "file of their own, and give them in `validation_data`."
        )
    number = len(examples)
    first = math.floor(number * (1.0 - fraction))
    if not 0 < first < number:
        raise InputError(
            "`validation_split` must leave examples on both sides. Received: "
            f"validation_split={fraction}, for {number} examples. Choose "
            "another fraction."
        )
    return examples.part(0, first), examples.part(first, number)


def _by_index(class_weight: Mapping[Any, float], head: TaskHead) -> dict:
    """Returns weights of labels, named or numbered, by the labels' indices."""
    names = getattr(head, "labels_by_index", None) or ()
    found = {}
    for label, weight in class_weight.items():
        rule = "numbers of at least 0"
        if finite_number("class_weight", weight, rule) < 0:
            raise InputError(
                f"`class_weight` must be {rule}. Received: {weight!r} for "
                f"{label!r}. Correct it."
            )
        if str(label) in names:
            found[names.index(str(label))] = weight
        elif isinstance(label, str):
            raise InputError(
                "`class_weight` must name labels of the head "
                f"{head.name!r}: {', '.join(names) or 'it has none'}. "
                f"Received: {label!r}. Correct it."
            )
        else:
            found[label] = weight
    return found


def _check_ready(fixed_shapes, order) -> None:
    """Raises for arguments that only texts have."""
    asked = {
        "fixed_shapes": fixed_shapes,
        "packed_length": order["packed_length"],
        "tokens_per_batch": order["tokens_per_batch"],
    }
    for name, value in asked.items():
        if value:
            raise InputError(
                "Model inputs are trained on in the batches that they come in. "
                f"Received: {name}={value}. Leave it out, or give texts or "
                "examples."
            )


def set_monitor_modes(
    model: Any, callbacks: Iterable[keras.callbacks.Callback]
) -> None:
    """Sets the `mode` of callbacks that monitor a loss, a metric or a score.

    Of losses and metrics of one output among several, and of a head's score,
    Keras does not know, and says so when the first epoch is over.

    Args:
        model: `TaskModel`, compiled.
        callbacks: some with a `monitor`; of those, the ones whose `mode` is
            `auto` and that is found here are given another.
    """
    callbacks = list(callbacks)
    scores = [
        scorer.name
        for scorer in callbacks
        if isinstance(scorer, EpochScore) and scorer.name
    ]
    known = _directions(model, [*model.head.epoch_scores, *scores])
    for callback in callbacks:
        name = getattr(callback, "monitor", None)
        if isinstance(name, str) and getattr(callback, "mode", "") == "auto":
            callback.mode = known.get(name.removeprefix("val_"), "auto")


def _directions(model, scores) -> dict[str, str]:
    """Returns name in the logs -> `max` or `min`."""
    known = dict.fromkeys(scores, "max")
    known.pop("loss", None)
    if isinstance(model.output, Mapping):
        known |= {f"{output}_loss": "min" for output in model.output}
    settings = model.compile_arguments()
    for kind in ("metrics", "weighted_metrics"):
        metrics = settings.get(kind)
        if not isinstance(metrics, Mapping):
            # Those Keras knows.
            for metric in metrics or ():
                known.pop(getattr(metric, "name", metric), None)
            continue
        for output, of_output in metrics.items():
            if not isinstance(of_output, list | tuple):
                of_output = [of_output]
            for metric in of_output:
                direction = keras_private.direction_of(metric)
                if metric in ("accuracy", "acc"):
                    known[f"{output}_{metric}"] = "max"
                elif direction is not None:
                    known[f"{output}_{metric.name}"] = direction
    return known


def _check_rate_callbacks(
    optimizer: keras.optimizers.Optimizer | None,
    callbacks: Iterable[keras.callbacks.Callback],
) -> None:
    """Raises if a callback sets a learning rate that a schedule sets."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    for callback in callbacks:
        if optimizer is None or not isinstance(callback, _SET_RATES):
            continue
        if isinstance(optimizer.get_config()["learning_rate"], Mapping):
            raise InputError(
                "A learning rate follows a schedule or is set by a callback. "
                f"Received: {type(callback).__name__}, and an optimizer with "
                'a schedule. Compile with schedule="constant" and '
                "warmup_fraction=0.0, or leave the callback out."
            )


def _warn_of_an_ended_schedule(optimizer: keras.optimizers.Optimizer | None):
    """Warns where the learning rate is 0, as in a model loaded again."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if isinstance(optimizer, Layerwise) and optimizer.has_ended():
        logging.warning(
            "The learning rate is 0: its schedule has ended in an earlier "
            "run. Compile the model for another one."
        )


def _settings_of_fit(others) -> dict:
    """Returns the settings of a run among the arguments of Keras' `fit`."""
    return {
        # Their numbers may be NumPy's, which are no names in JSON.
        "class_weight": {
            str(label): weight
            for label, weight in (others.get("class_weight") or {}).items()
        },
        "validation_batch_size": others.get("validation_batch_size"),
        "validation_freq": others.get("validation_freq") or 1,
        "validation_steps": others.get("validation_steps"),
    }


def _settings_of_parts(model) -> dict:
    """Returns settings that identify encoder and tokenizer."""
    config = model.encoder.get_config()
    return {
        "encoder": {
            name: value
            for name, value in config.items()
            # Keras numbers the names of a process's layers.
            if name != "name" and isinstance(value, bool | int | float | str)
        },
        "freeze_embeddings": model.freeze_embeddings,
        "freeze_encoder": model.freeze_encoder,
        "tokenizer": model.tokenizer.description(),
    }


def _digests(model, x, validation_data) -> dict:
    """Returns the digests of training and validation data."""
    is_known = isinstance(x, data.Examples | data.BatchStream)
    data_sets = {"training_examples": x if is_known else None}
    if validation_data is not None:
        data_sets["validation_examples"] = data.validation_examples(
            validation_data, model.head
        )
    return {
        name: each.digest()
        for name, each in data_sets.items()
        if each is not None
    }


def training_data(
    model,
    x: Any,
    y: Any,
    batch_size: int,
    counts: data.InputCounts,
    num_done: int | None = None,
    **options,
) -> dict:
    """Returns what Keras' `fit` takes for its data.

    Args:
        model: `TaskModel`.
        x: texts, examples, or what Keras takes.
        y: labels of the texts, or what Keras takes.
        batch_size: int.
        counts: filled in the first pass.
        num_done: int. Batches that an earlier process has taken already;
            `None` where that need never be known.
        **options: arguments of `data.build_dataset`.

    Raises:
        InputError: if an example is wrong, or there is none, or not as many as
            a batch of a fixed shape has; or if `num_done` is given and the data
            cannot be resumed.
    """
    if isinstance(x, data.BatchStream):
        return {
            "x": x.dataset(num_done or 0),
            "steps_per_epoch": x.num_batches,
        }
    examples = data.as_examples(x, y, model.head)
    if examples is None:
        arguments = _ready(model, x, y, batch_size)
        return arguments if num_done is None else _resumed(arguments, num_done)
    dataset, steps, num_skipped = _batches(
        model, examples, batch_size, counts, num_done or 0, **options
    )
    # Without end, because Keras makes two iterators for each pass over a data
    # set that ends, which takes as long as many a small batch; and because it
    # holds all passes to the length of the first, where some differ.
    return {"x": dataset.repeat().skip(num_skipped), "steps_per_epoch": steps}


def evaluation_data(
    model,
    x: Any,
    y: Any,
    batch_size: int,
    sample_weight: Any = None,
    columns: Mapping[str, str] | None = None,
) -> dict:
    """Returns what Keras' `evaluate` takes for its data.

    The number of steps is left open where only a pass over the data shows it.

    Args:
        model: `TaskModel`.
        x: texts, examples, or what Keras takes.
        y: labels of the texts, or what Keras takes.
        batch_size: int.
        sample_weight: what each counts, or `None`.
        columns: of a table of texts; see `data.as_examples`.

    Raises:
        InputError: if an example is wrong, or there is none.
    """
    if isinstance(x, data.BatchStream):
        return {"x": x.dataset(), "steps": x.num_batches}
    x = data.settled(x)
    examples = data.as_examples(x, y, model.head, sample_weight, columns)
    if examples is None:
        arguments = _ready(model, x, y, batch_size)
        if sample_weight is not None:
            arguments["sample_weight"] = sample_weight
        return arguments
    options = fixed_shape_options_of_evaluation(model)
    examples, report = data.checked_to_score(examples, model.head)
    dataset, steps, _ = _batches(
        model,
        examples,
        batch_size,
        None,
        report=report,
        is_counted=False,
        seed=None,
        **options,
    )
    return {"x": dataset, "steps": steps}


def validation_arguments(model, given: Any, batch_size: int) -> dict:
    """Returns what Keras' `fit` takes for its validation data.

    Args:
        model: `TaskModel`.
        given: examples, a pair `(x, y)` of texts and labels, or what Keras
            takes.
        batch_size: int.

    Raises:
        InputError: if an example is wrong, or there is none.
    """
    examples = data.validation_examples(given, model.head)
    if examples is None:
        return {"validation_data": given}
    arguments = evaluation_data(model, examples, None, batch_size)
    return {
        "validation_data": arguments["x"],
        "validation_steps": arguments["steps"],
    }


def _batches(
    model,
    examples: data.Examples,
    batch_size: int,
    counts: data.InputCounts | None,
    num_done: int = 0,
    report: data.ExampleReport | None = None,
    is_counted: bool = True,
    **options,
) -> tuple[tf.data.Dataset, int | None, int]:
    """Returns padded batches of checked examples, and how many a pass has.

    And how many of them are to be skipped, of `num_done` before. Where texts
    become sequences, or batches differ in size, a pass of its own counts the
    batches; without `is_counted` their number is `None` then.
    """
    report = warn_of_examples(model, examples, report)
    whole_number("batch_size", batch_size)
    num_sequences = report.num_examples
    drops = options.get("drop_remainder", False)
    whole = num_sequences // batch_size
    steps = whole if drops else math.ceil(num_sequences / batch_size)
    varies = model.head.splits_texts or options.get("tokens_per_batch")
    # Where there are no steps, an error follows.
    first_pass, num_skipped = (
        (0, num_done) if varies else divmod(num_done, max(steps, 1))
    )
    is_counted_before = is_counted and bool(varies or first_pass)
    dataset = data.build_dataset(
        examples,
        model.head,
        model.tokenizer,
        sequence_length=model.sequence_length,
        batch_size=batch_size,
        counts=counts,
        num_trials=int(is_counted_before),
        first_pass=first_pass,
        **options,
    )
    if is_counted_before:
        steps = sum(1 for _ in dataset)
        if counts is not None:
            counts.finish()
            num_sequences = counts.num_examples
    elif varies:
        steps = None
    if drops:
        _report_dropped(num_sequences, steps, batch_size)
    return dataset, steps, num_skipped


def warn_of_examples(
    model: Any,
    examples: data.Examples,
    report: data.ExampleReport | None = None,
) -> data.ExampleReport:
    """Checks labelled examples, and warns of those that teach less.

    Args:
        model: `TaskModel`.
        examples: labelled examples.
        report: on these, if they are checked already, to be scored; `None`
            for examples to train on, of which slips are told, too.

    Raises:
        InputError: if an example is wrong, or there is none.
    """
    slips = []
    if report is None:
        report = data.check_examples(examples, model.head)
        slips = data.slips_of(report)
    warnings = model.head.example_warnings(examples, model.tokenizer)
    for line in [*report.remark_lines(), *warnings, *slips]:
        logging.warning("%s", line)
    return report


def _resumed(arguments: dict, num_done: int) -> dict:
    dataset = arguments["x"]
    steps = num_batches(arguments, arguments.get("batch_size", 1))
    if not isinstance(dataset, tf.data.Dataset) or steps < 1:
        raise InputError(
            "A run with backups needs data that can be resumed: "
            "texts, examples, or a tf.data.Dataset of known length. Received: "
            f"{type(dataset).__name__}. Make it one of these; "
            "tf.data.experimental.assert_cardinality gives a length."
        )
    return {"x": dataset.repeat().skip(num_done), "steps_per_epoch": steps}


def _ready(model, x: Any, y: Any, batch_size: int) -> dict:
    """Returns what Keras takes for features that are ready.

    Raises:
        InputError: if the model has other inputs, or `batch_size` is wrong.
    """
    if isinstance(x, tf.data.Dataset):
        features = x.element_spec
        if isinstance(features, tuple):
            features = features[0]
        _check_features(model, features)
        return {"x": x}
    batch_size = whole_number("batch_size", batch_size)
    _check_features(model, x)
    return {"x": x, "y": y, "batch_size": batch_size}


def _check_features(model, features: Any) -> None:
    """Raises if ready features, or the specs of batches, are not the model's.

    What is no mapping is left to Keras, which takes lists, too.
    """
    if not isinstance(features, Mapping) or not isinstance(
        model.input, Mapping
    ):
        return
    for name, tensor in model.input.items():
        if name not in features:
            raise InputError(
                "The data must have the model's inputs: "
                f"{', '.join(model.input)}. Received: {', '.join(features)}. "
                "Make them with `model.encode(texts)`."
            )
        shape = getattr(features[name], "shape", None)
        rank = getattr(shape, "rank", None if shape is None else len(shape))
        if rank is None:
            continue
        if rank != len(tensor.shape):
            raise InputError(
                f"Model inputs come in batches: {name!r} has "
                f"{len(tensor.shape)} dimensions. Received: the shape {shape}. "
                "Batch the data set, or give all rows at once."
            )
        longest = model.encoder.max_sequence_length
        is_read = name in model.encoder.input and rank > 1
        if is_read and (shape[1] or 0) > longest:
            raise InputError(
                f"Model inputs have at most {longest} tokens, as many as the "
                f"encoder reads. Received: {name!r} of the shape {shape}. Cut "
                "them, or make them with `model.encode(texts)`."
            )


def num_batches(arguments: dict, batch_size: int) -> int:
    """Returns the number of batches in an epoch, below 1 if unknown.

    Args:
        arguments: what Keras' `fit` is given.
        batch_size: int. Of the arrays among them.
    """
    if arguments.get("steps_per_epoch"):
        return arguments["steps_per_epoch"]
    dataset = arguments["x"]
    if isinstance(dataset, tf.data.Dataset):
        return int(dataset.cardinality())
    first = next(iter(keras.tree.flatten(dataset)), None)
    if not hasattr(first, "shape"):
        return 0
    num_rows = first.shape[0]
    if arguments.get("validation_data") is None:
        # What Keras trains on, rounded as there.
        fraction = 1.0 - arguments.get("validation_split", 0.0)
        num_rows = math.floor(num_rows * fraction)
    return math.ceil(num_rows / batch_size)


def _check_steps(arguments: Mapping[str, Any], batch_size: int) -> None:
    """Raises if an epoch of ready features has more steps than batches."""
    steps = arguments.get("steps_per_epoch")
    others = {k: v for k, v in arguments.items() if k != "steps_per_epoch"}
    number = num_batches(others, batch_size)
    if steps and 0 < number < steps:
        raise InputError(
            "An epoch has at most as many steps as the data have batches. "
            f"Received: steps_per_epoch={steps}, for {number} batches. Lower "
            "it, or repeat the data."
        )


def fixed_shape_options_of_evaluation(model) -> dict:
    """Returns options of `build_dataset` to evaluate a model.

    Every example is evaluated, so the last batch of a chunk may be smaller.

    Args:
        model: `TaskModel`, compiled.
    """
    if not distribution.is_tpu(model.distribute_strategy):
        return {}
    return {
        "bucket_lengths": data.default_bucket_lengths(model.sequence_length)
    }


def _report_dropped(num_sequences: int, steps: int, batch_size: int) -> None:
    """Warns where the last, incomplete batch of an epoch is dropped.

    Args:
        num_sequences: int. Those that there are.
        steps: int. Batches of an epoch, all of them whole.
        batch_size: int. Sequences in a batch.

    Raises:
        InputError: if there is no batch.
    """
    if steps == 0:
        raise InputError(
            "Batches of fixed shapes are full. Received: "
            f"batch_size={batch_size}, and {num_sequences} sequences of "
            "tokens. Lower the first, or give fixed_shapes=False."
        )
    num_dropped = num_sequences - steps * batch_size
    if num_dropped:
        logging.warning(
            "%d of %d sequences are dropped from each epoch: the last, "
            "incomplete batch, where shapes are fixed and batches have %d.",
            num_dropped,
            num_sequences,
            batch_size,
        )
