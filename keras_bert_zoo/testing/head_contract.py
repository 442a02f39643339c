"""What a head promises, held against what it does.

`check_head` is what this project runs on its own heads: give it a head and a
few examples in `pytest`, and it raises an `AssertionError` that names the
broken promise.
"""

import json
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.data.batches import as_dense
from keras_bert_zoo.data.examples import Example
from keras_bert_zoo.task import Features
from keras_bert_zoo.task import TaskHead
from keras_bert_zoo.task import TensorInfo
from keras_bert_zoo.task.report_tables import report_tables
from keras_bert_zoo.testing.tiny_bert import SEQUENCE_LENGTH
from keras_bert_zoo.testing.tiny_bert import tiny_encoder
from keras_bert_zoo.testing.tiny_bert import tiny_tokenizer
from keras_bert_zoo.tokenization import Tokenizer


def check_head(
    head: TaskHead,
    examples: Sequence[Mapping[str, Any]],
    tokenizer: Tokenizer | None = None,
    encoder: keras.Model | None = None,
) -> None:
    """Checks a head against the contract of `TaskHead`.

    Args:
        head: the head, made.
        examples: at least two valid labelled examples, by field name.
        tokenizer, encoder: what the head is to run on; a tiny BERT's if
            `None`. The encoder reads at least 32 tokens.

    Raises:
        AssertionError: if a promise is broken, naming it.
    """
    _expect(head.name and head.name == type(head).name, "a class-level `name`")
    _expect(len(examples) >= 2, "at least two examples to check with")
    _check_config(head)
    fields = [head.example(example, False) for example in examples]
    texts = [values[field] for values in fields for field in head.text_fields]
    if tokenizer is None:
        tokenizer = tiny_tokenizer(texts)
    if encoder is None:
        encoder = tiny_encoder(tokenizer.vocabulary_size, num_layers=1)
    tokenizer = tokenizer.for_encoder(encoder.input)
    batch = _batch(head, examples, with_label=True)
    batch[feature_names.RANDOM_SEED] = tf.constant([7, 11], tf.int64)
    labelled = _check_features(head, batch, tokenizer)
    features = _check_unlabelled(head, examples, tokenizer)
    model = head.build(encoder)
    _check_inputs(head, encoder, model, [labelled, features], tokenizer)
    logits = _check_logits(head, model, _padded(head, features, tokenizer))
    _check_padding(head, model, features, tokenizer)
    _check_training(head, model, _padded(head, labelled, tokenizer), labelled)
    _check_decoding(head, logits, features, examples)


def _check_config(head: TaskHead) -> None:
    config = head.get_config()
    text = json.dumps(config)
    twin = type(head).from_config(json.loads(text))
    _expect(
        json.dumps(twin.get_config()) == text,
        "`from_config(get_config())` to give the same head, through JSON",
    )


def _batch(head, examples, with_label: bool) -> dict:
    examples = [head.example(example, with_label) for example in examples]
    batch = {}
    for field, (dtype, shape) in head.example_spec(with_label).items():
        values = [example[field] for example in examples]
        if shape == (None,):
            batch[field] = tf.ragged.constant(values, dtype, ragged_rank=1)
            continue
        batch[field] = tf.constant(values, dtype)
        _expect(
            batch[field].shape[1:].is_compatible_with(shape),
            f"`example_spec` to give the shape of {field!r}",
        )
    return batch


def _check_features(head, batch, tokenizer) -> Features:
    eager = head.features(batch, tokenizer, SEQUENCE_LENGTH)
    _expect(eager.labels is not None, "labels where they are given")
    dataset = tf.data.Dataset.from_tensors(batch).map(
        tf.autograph.experimental.do_not_convert(
            lambda examples: head.features(
                examples, tokenizer, SEQUENCE_LENGTH
            )[:2]
        )
    )
    inside, labels = next(iter(dataset))
    for key, value in eager.inputs.items():
        _expect(
            value.to_list() == inside[key].to_list(),
            f"`features` to give the same {key!r} eagerly and in tf.data",
        )
    pairs = zip(
        keras.tree.flatten(as_dense(eager.labels)),
        keras.tree.flatten(as_dense(labels)),
        strict=True,
    )
    _expect(
        all(np.array_equal(one, other) for one, other in pairs),
        "`features` to give the same labels eagerly and in tf.data",
    )
    longest = int(
        tf.reduce_max(eager.inputs[feature_names.TOKEN_IDS].row_lengths())
    )
    _expect(longest <= SEQUENCE_LENGTH, "`features` to obey sequence_length")
    return eager


def _check_inputs(head, encoder, model, batches, tokenizer) -> None:
    extra = {info.name: info for info in head.token_inputs()}
    _expect(
        set(model.input) == {*encoder.input, *extra},
        "`build` to take the encoder's inputs and `token_inputs`",
    )
    for features in batches:
        padded = _padded(head, features, tokenizer)
        _expect(
            set(padded) == set(model.input),
            "`features` to give every input of the model",
        )
        for name, info in extra.items():
            _check_tensor(info, padded[name])


def _padded(head, features, tokenizer, sequence_length=None, extra_length=None):
    return tokenizer.pad(
        features.inputs,
        sequence_length,
        extra_length=extra_length,
        extra=[info.name for info in head.token_inputs()],
    )


def _check_logits(head, model, inputs):
    logits = model(inputs)
    described = head.logits_signature()
    if isinstance(logits, Mapping):
        _expect(
            set(logits) == {info.name for info in described},
            "`logits_signature` to name the model's outputs",
        )
        values = [logits[info.name] for info in described]
    else:
        values = keras.tree.flatten(logits)
    for info, value in zip(described, values, strict=True):
        _check_tensor(info, value)
    return logits


def _check_padding(head, model, features, tokenizer) -> None:
    narrow, wide = (
        head.decode_texts(
            model(_padded(head, features, tokenizer, length, length)),
            features.decoding_context(),
        )
        for length in (None, SEQUENCE_LENGTH)
    )
    for key, value in narrow.items():
        if value.dtype.is_floating and value.shape == wide[key].shape:
            _expect(
                np.allclose(value, wide[key], atol=1e-5),
                f"the answer {key!r} not to depend on padding",
            )


def _check_training(head, model, inputs, features) -> None:
    model.compile(
        optimizer=keras.optimizers.Adam(3e-2),
        loss=head.losses(),
        metrics=head.metrics(),
        weighted_metrics=head.weighted_metrics(),
        jit_compile=False,
    )
    # A step that has variables to make would be traced twice.
    model.optimizer.build(model.trainable_variables)
    arguments = {"x": inputs, "y": as_dense(features.labels)}
    if features.weights is not None:
        arguments["sample_weight"] = as_dense(features.weights)
    losses = [
        model.train_on_batch(**arguments, return_dict=True)["loss"]
        for _ in range(12)
    ]
    _expect(
        np.isfinite(losses).all() and losses[-1] < losses[0],
        "the loss to fall when fitting a few examples; it went "
        f"{losses[0]:.4f} to {losses[-1]:.4f}",
    )


def _check_decoding(head, logits, features, examples) -> None:
    _check_decoder("decode", head.decode, [logits], head.token_outputs())
    decoded = _check_decoder(
        "decode_texts",
        head.decode_texts,
        [logits, features.decoding_context()],
        head.signature().outputs,
    )
    arrays = {key: value.numpy() for key, value in decoded.items()}
    answers = head.answers(arrays)
    _expect(
        len(answers) == len(examples), "`answers` to return one per example"
    )
    json.dumps(answers)
    labelled = [
        Example(example, f"example {n}")
        for n, example in enumerate(examples, start=1)
    ]
    for title, columns, lines in report_tables(head, labelled, answers):
        widths = {len(line) for line in lines}
        _expect(widths <= {len(columns)}, f"full rows in the table {title!r}")


def _check_decoder(name, decode, arguments, outputs) -> dict:
    decoded = decode(*arguments)
    graph = tf.function(decode, autograph=False)(*arguments)
    described = {info.name: info for info in outputs}
    _expect(
        set(decoded) == set(described),
        f"`{name}` to return what is described: {sorted(described)}",
    )
    for key, value in decoded.items():
        _check_tensor(described[key], value)
        _expect(
            np.array_equal(value.numpy(), graph[key].numpy()),
            f"`{name}` to give the same {key!r} eagerly and in a graph",
        )
    return decoded


def _check_unlabelled(head, examples, tokenizer) -> Features:
    batch = _batch(head, examples, with_label=False)
    _expect(
        set(head.text_fields) <= set(batch),
        "an example without labels to hold the text fields",
    )
    texts = {field: batch[field] for field in head.text_fields}
    served = head.features(texts, tokenizer, SEQUENCE_LENGTH)
    _expect(served.labels is None, "`features` of the text fields alone")
    features = head.features(batch, tokenizer, SEQUENCE_LENGTH)
    _expect(features.labels is None, "no labels where none are given")
    described = [info.name for info in head.signature().inputs]
    _expect(
        described == list(head.text_fields),
        "`signature` to take the text fields",
    )
    return features


def _check_tensor(info: TensorInfo, value) -> None:
    dtype = tf.as_dtype(value.dtype).name
    _expect(
        dtype == info.dtype,
        f"{info.name!r} to be {info.dtype} as described, not {dtype}",
    )
    _expect(
        tf.TensorShape(info.shape).is_compatible_with(value.shape),
        f"{info.name!r} to have the shape {info.shape} as described, not "
        f"{tuple(value.shape)}",
    )


def _expect(promise, rule: str) -> None:
    if not promise:
        raise AssertionError(f"The head contract wants {rule}.")
