"""Reads encoders of the TensorFlow model garden (tf-models-official).

A `tf.train.Checkpoint` of `BertEncoder` or `BertEncoderV2`, alone or inside
a pre-trainer or classifier; the object graph is read as it is, without the
garden's code. It states shapes only: activation and dropout come from a
`bert_config.json` beside it, else they are the garden's defaults. `gelu`
means the tanh form there. An encoder built with `norm_first=True` cannot be
told apart, and is not supported.

Source: https://github.com/tensorflow/models, `official/nlp/modeling`.
"""

import functools
import pathlib
import re
from collections.abc import Mapping

from keras_bert_zoo.checkpoints import tensorflow_files
from keras_bert_zoo.checkpoints.contents import Contents
from keras_bert_zoo.checkpoints.contents import HeadSource
from keras_bert_zoo.checkpoints.contents import further_head
from keras_bert_zoo.checkpoints.huggingface.config import encoder_config
from keras_bert_zoo.checkpoints.huggingface.config import numbered_labels
from keras_bert_zoo.checkpoints.model_garden_names import ENCODER_PARTS
from keras_bert_zoo.checkpoints.model_garden_names import canonical_names
from keras_bert_zoo.checkpoints.rules import HEADS_FIRST
from keras_bert_zoo.checkpoints.rules import HEADS_LAST
from keras_bert_zoo.checkpoints.rules import Rule
from keras_bert_zoo.checkpoints.rules import Shape
from keras_bert_zoo.errors import InputError

KIND = "model_garden"

_OURS = "transformer_block_{i}"
_THEIRS = "_transformer_layers/{i}"
_ATTENTION = f"{_THEIRS}/_attention_layer"
_QKV = ("query", "key", "value")

RULES = (
    Rule("embeddings/token_embedding", ("_embedding_layer/embeddings",)),
    Rule(
        "embeddings/position_embedding",
        ("_position_embedding_layer/embeddings",),
    ),
    Rule("embeddings/segment_embedding", ("_type_embedding_layer/embeddings",)),
    Rule("embeddings/layer_norm/gamma", ("_embedding_norm_layer/gamma",)),
    Rule("embeddings/layer_norm/beta", ("_embedding_norm_layer/beta",)),
    Rule("embeddings/projection/kernel", ("_embedding_projection/kernel",)),
    Rule("embeddings/projection/bias", ("_embedding_projection/bias",)),
    Rule(
        f"{_OURS}/self_attention/qkv_kernel",
        tuple(f"{_ATTENTION}/_{name}_dense/kernel" for name in _QKV),
        HEADS_LAST,
    ),
    Rule(
        f"{_OURS}/self_attention/qkv_bias",
        tuple(f"{_ATTENTION}/_{name}_dense/bias" for name in _QKV),
        HEADS_LAST,
    ),
    Rule(
        f"{_OURS}/self_attention/output_kernel",
        (f"{_ATTENTION}/_output_dense/kernel",),
        HEADS_FIRST,
    ),
    Rule(
        f"{_OURS}/self_attention/output_bias",
        (f"{_ATTENTION}/_output_dense/bias",),
    ),
    Rule(
        f"{_OURS}/attention_layer_norm/gamma",
        (f"{_THEIRS}/_attention_layer_norm/gamma",),
    ),
    Rule(
        f"{_OURS}/attention_layer_norm/beta",
        (f"{_THEIRS}/_attention_layer_norm/beta",),
    ),
    Rule(
        f"{_OURS}/feed_forward/intermediate_kernel",
        (f"{_THEIRS}/_intermediate_dense/kernel",),
    ),
    Rule(
        f"{_OURS}/feed_forward/intermediate_bias",
        (f"{_THEIRS}/_intermediate_dense/bias",),
    ),
    Rule(
        f"{_OURS}/feed_forward/output_kernel",
        (f"{_THEIRS}/_output_dense/kernel",),
    ),
    Rule(
        f"{_OURS}/feed_forward/output_bias", (f"{_THEIRS}/_output_dense/bias",)
    ),
    Rule(
        f"{_OURS}/output_layer_norm/gamma",
        (f"{_THEIRS}/_output_layer_norm/gamma",),
    ),
    Rule(
        f"{_OURS}/output_layer_norm/beta",
        (f"{_THEIRS}/_output_layer_norm/beta",),
    ),
    Rule("pooler/kernel", ("_pooler_layer/kernel",)),
    Rule("pooler/bias", ("_pooler_layer/bias",)),
)

HEAD_RULES = {
    "classification": (
        Rule("kernel", ("out_proj/kernel",)),
        Rule("bias", ("out_proj/bias",)),
    ),
    "masked_lm": (
        Rule("transform_kernel", ("masked_lm/dense/kernel",)),
        Rule("transform_bias", ("masked_lm/dense/bias",)),
        Rule("layer_norm/gamma", ("masked_lm/layer_norm/gamma",)),
        Rule("layer_norm/beta", ("masked_lm/layer_norm/beta",)),
        Rule("output_bias", ("masked_lm/output_bias/bias",)),
    ),
}

# Training state, and the garden's next-sentence head, which pools anew.
IGNORED = (
    tensorflow_files.OBJECT_GRAPH,
    r"(.+/)?optimizer/.+",
    r".+/\.OPTIMIZER_SLOT/.+",
    r"(.+/)?(save_counter|global_step|step|trained_steps)",
    r"(.+/)?next_sentence/.+",
    # The same, saved under a name with a full stop, which is written twice.
    r"next_sentence\.\.pooler_dense/.+",
)


def recognizes(source: str) -> bool:
    """Says whether the source is an object-graph checkpoint."""
    prefix = tensorflow_files.find(source)
    return prefix is not None and tensorflow_files.is_object_graph(prefix)


def open_source(source: str) -> Contents:
    """Opens a checkpoint of the model garden.

    Args:
        source: directory, or prefix of the checkpoint files in it.

    Raises:
        InputError: if a file is missing or corrupt, or there is not exactly
            one encoder.
    """
    prefix = tensorflow_files.find(source)
    if prefix is None:
        raise InputError(
            "A model garden checkpoint is a pair of files NAME.index and "
            f"NAME.data-*. Received: {source}, which has none. Pass the "
            "directory, or its path with NAME."
        )
    variables = tensorflow_files.variables_of(prefix)
    names = canonical_names(variables.shapes, str(prefix))
    variables = variables.renamed(names)
    shapes = variables.shapes
    tokenizer = functools.partial(
        tensorflow_files.read_tokenizer, prefix.parent
    )
    config, notes = _config(shapes, prefix)
    heads = tuple(_heads(shapes, prefix))
    tied = {"masked_lm/embedding_table": "embeddings/token_embedding"}
    return Contents(
        kind=KIND,
        origin=str(prefix),
        config=config,
        variables=variables,
        rules=RULES,
        tokenizer=tokenizer,
        heads=heads,
        ignored=IGNORED,
        encoder_names=ENCODER_PARTS,
        tied=tied,
        notes=notes,
        architecture=further_head(
            set(shapes) - set(tied),
            [rule for head in heads for rule in head.rules],
            ENCODER_PARTS,
            IGNORED,
        ),
    )


def _config(
    shapes: Mapping[str, Shape], prefix: pathlib.Path
) -> tuple[dict, tuple[str, ...]]:
    """Infers the architecture from the shapes, and checks it by the file."""

    def sizes(name, rank):
        return _sizes(shapes, name, rank, prefix)

    first = _THEIRS.format(i=0)
    vocabulary_size, width = sizes("_embedding_layer/embeddings", 2)
    hidden_dim, num_heads, _ = sizes(
        f"{first}/_attention_layer/_query_dense/kernel", 3
    )
    num_positions, _ = sizes("_position_embedding_layer/embeddings", 2)
    blocks = {
        name.split("/")[1]
        for name in shapes
        if re.match(_THEIRS.format(i=r"\d+/"), name)
    }
    config = {
        "vocabulary_size": vocabulary_size,
        "num_layers": len(blocks),
        "num_heads": num_heads,
        "hidden_dim": hidden_dim,
        "intermediate_dim": sizes(f"{first}/_intermediate_dense/bias", 1)[0],
        "max_sequence_length": num_positions,
        "num_segments": sizes("_type_embedding_layer/embeddings", 2)[0],
    }
    path = prefix.with_name(tensorflow_files.CONFIG)
    stated = {"activation": "gelu"}
    notes = (
        f"Without {path.name} beside it: activation and dropout are the "
        "model garden's defaults.",
    )
    if path.is_file():
        stated = encoder_config(tensorflow_files.read_config(path.parent), path)
        notes = ()
        for key, value in config.items():
            if stated[key] != value:
                raise InputError(
                    f"{path}: `{key}` must be the checkpoint's {value}. "
                    f"Received: {stated[key]}. Use the configuration that "
                    "belongs to the checkpoint."
                )
    activation = stated["activation"]
    if activation == "gelu":
        activation = "gelu_approximate"
    config = {**stated, **config, "activation": activation}
    if width != hidden_dim:
        config["embedding_dim"] = width
    return config, notes


def _heads(shapes: Mapping[str, Shape], prefix: pathlib.Path):
    if "masked_lm/dense/kernel" in shapes:
        yield HeadSource("masked_lm", HEAD_RULES["masked_lm"])
    if "out_proj/bias" in shapes:
        (count,) = _sizes(shapes, "out_proj/bias", 1, prefix)
        regression = count == 1
        yield HeadSource(
            "classification",
            HEAD_RULES["classification"],
            [] if regression else numbered_labels(count),
            {"kind": "regression" if regression else "single_label"},
        )


def _sizes(
    shapes: Mapping[str, Shape], name: str, rank: int, prefix: pathlib.Path
) -> Shape:
    """Returns the shape of a variable, checked to have a rank and no zero.

    Raises:
        InputError: if there is none, or another.
    """
    shape = shapes.get(name, ())
    if len(shape) != rank or 0 in shape:
        received = f"the shape {shape}" if name in shapes else "none"
        raise InputError(
            f"{prefix} must hold {name} of rank {rank}, as the model garden "
            f"saves it. Received: {received}. Only BertEncoder and "
            "BertEncoderV2 are read; save yours again, with the garden's "
            "layers."
        )
    return shape
