"""Finds the encoder inside an object-graph checkpoint.

Objects are saved under the attributes that lead to them. `BertEncoderV2`, a
layer, has `_embedding_layer`, `_transformer_layers/0`, ...; `BertEncoder`, a
functional model, has `layer_with_weights-0`, ... in the order in which its
layers were connected. Both are brought to the first form.
"""

import re
from collections.abc import Iterable
from collections.abc import Mapping

from keras_bert_zoo.errors import InputError

_SUFFIX = "/.ATTRIBUTES/VARIABLE_VALUE"
_QUERY = "_attention_layer/_query_dense/kernel"
_NUMBERED = re.compile(r"layer_with_weights-(\d+)/(.+)")
_TABLES = (
    "_embedding_layer",
    "_position_embedding_layer",
    "_type_embedding_layer",
)
# The parts of an encoder, under canonical names.
ENCODER_PARTS = (
    *_TABLES,
    "_embedding_norm_layer",
    "_embedding_projection",
    "_transformer_layers",
    "_pooler_layer",
)
_MASKED_LM = re.compile(r"(?:.+/)?(masked_lm/.+)")
_CLASSIFIER = re.compile(r"(?:.+/)?(out_proj/(?:kernel|bias))")


def canonical_names(keys: Iterable[str], origin: str) -> dict[str, str]:
    """Returns canonical name -> key of the checkpoint.

    Inside the encoder, names are relative to it and those of
    `BertEncoderV2`. A masked-LM head starts with `masked_lm/`, a classifier
    with `out_proj/`; all other names stay.

    Raises:
        InputError: if there is not exactly one encoder, or its layers are
            not those of BERT.
    """
    names = {_plain(key): key for key in keys}
    # A slot repeats the name of the variable that it belongs to.
    slots = {name: key for name, key in names.items() if ".OPTIMIZER_" in name}
    names = {name: key for name, key in names.items() if name not in slots}
    root = _root(names, origin)
    canonical = dict(slots)
    numbered = {}
    for name, key in names.items():
        inner = name.removeprefix(root) if name.startswith(root) else None
        match = _NUMBERED.fullmatch(inner) if inner is not None else None
        if match and not _CLASSIFIER.fullmatch(name):
            layer = numbered.setdefault(int(match[1]), {})
            layer[match[2]] = key
            continue
        head = _MASKED_LM.fullmatch(name) or _CLASSIFIER.fullmatch(name)
        if head:
            canonical[head[1]] = key
        else:
            canonical[inner if _is_encoder(inner) else name] = key
    canonical.update(_from_numbers(numbered, origin))
    if "_embedding_layer/embeddings" not in canonical:
        # A pre-trainer's output projection may hold the shared table.
        table = canonical.pop("masked_lm/embedding_table", None)
        if table is not None:
            canonical["_embedding_layer/embeddings"] = table
    for table in _TABLES:
        if f"{table}/embeddings" not in canonical:
            raise _not_bert(origin, f"no {table}")
    return canonical


def _plain(key: str) -> str:
    return key.removesuffix(_SUFFIX).replace(".S", "/")


def _is_encoder(name: str | None) -> bool:
    return name is not None and name.split("/")[0] in ENCODER_PARTS


def _root(names: Mapping[str, str], origin: str) -> str:
    """Returns the path of the encoder, with its slash, or nothing."""
    roots = set()
    for name in names:
        if name.endswith(f"/{_QUERY}"):
            layer = name.removesuffix(_QUERY)
            roots.add(
                re.sub(
                    r"(_transformer_layers/\d+|layer_with_weights-\d+)/$",
                    "",
                    layer,
                )
            )
    if len(roots) != 1:
        listed = ", ".join(sorted(roots)) or "none"
        raise InputError(
            f"{origin} must hold one BERT encoder of the model garden. "
            f"Received: {listed}. Save the encoder alone: "
            "tf.train.Checkpoint(encoder=encoder).write(path)."
        )
    return roots.pop()


def _from_numbers(
    numbered: Mapping[int, Mapping[str, str]], origin: str
) -> dict[str, str]:
    """Names the layers of a functional encoder by what they hold."""
    canonical, tables, num_blocks = {}, [], 0
    for index in sorted(numbered):
        layer = numbered[index]
        if _QUERY in layer:
            place = f"_transformer_layers/{num_blocks}"
            num_blocks += 1
        elif set(layer) == {"embeddings"}:
            tables.append(layer["embeddings"])
            continue
        elif set(layer) == {"gamma", "beta"} and not num_blocks:
            place = "_embedding_norm_layer"
        elif set(layer) == {"kernel", "bias"}:
            place = "_pooler_layer" if num_blocks else "_embedding_projection"
        else:
            raise _not_bert(origin, f"a layer with {', '.join(sorted(layer))}")
        for name, key in layer.items():
            canonical[f"{place}/{name}"] = key
    # The token table, which comes first, may be saved elsewhere.
    for table, key in zip(reversed(_TABLES), reversed(tables)):
        canonical[f"{table}/embeddings"] = key
    return canonical


def _not_bert(origin: str, found: str) -> InputError:
    return InputError(
        f"{origin} must hold the layers of a BERT encoder of the model "
        f"garden. Received: {found}. Only BertEncoder and BertEncoderV2 are "
        "read."
    )
