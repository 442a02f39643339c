"""A deeper encoder whose first weights are a shallower one's, stacked."""

from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.errors import InputError


def stacked(encoder: BertEncoder, num_layers: int) -> BertEncoder:
    """Returns an encoder of more blocks, which begin as copies of the given.

    Block `j` begins as block `j mod L` of the `L` that there are; embeddings
    and pooler are copied.

    Args:
        encoder: `BertEncoder`, trained.
        num_layers: int. More than the encoder has.

    Raises:
        InputError: if it is another encoder, one whose blocks share their
            weights, or has as many blocks.

    Source: Gong et al., 2019, "Efficient training of BERT by progressively
    stacking", section 3.2.
    """
    config = encoder.get_config()
    if not isinstance(encoder, BertEncoder) or config["share_layers"]:
        raise InputError(
            "Blocks are stacked of a `BertEncoder` whose blocks have weights "
            f"of their own. Received: {type(encoder).__name__}"
            f"{'' if type(encoder) is not BertEncoder else ', sharing them'}. "
            "Leave `num_layers` out, to go on with as many blocks."
        )
    before = encoder.num_layers
    if num_layers <= before:
        raise InputError(
            "Stacking makes an encoder deeper. Received: "
            f"num_layers={num_layers}, for an encoder of {before}. Raise it, "
            "or leave it out, to go on with as many blocks."
        )
    deeper = BertEncoder(**{**config, "num_layers": num_layers})
    for layer in deeper.layers:
        kind, _, index = layer.name.rpartition("_")
        name = layer.name
        if kind == "transformer_block":
            name = f"{kind}_{int(index) % before}"
        if layer.weights:
            layer.set_weights(encoder.get_layer(name).get_weights())
    return deeper
