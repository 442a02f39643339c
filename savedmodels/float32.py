"""A float32 copy of a model that was trained in mixed precision."""


def twin(model):
    """Returns the model, or a copy of it that computes in float32.

    Args:
        model: `TaskModel`.
    """
    if model.encoder.dtype_policy.compute_dtype == "float32":
        return model
    config = {**model.encoder.get_config(), "dtype": "float32"}
    copy = type(model)(
        type(model.encoder).from_config(config),
        model.head,
        model.tokenizer,
        sequence_length=model.sequence_length,
        freeze_encoder=model.freeze_encoder,
        freeze_embeddings=model.freeze_embeddings,
    )
    copy.set_weights(model.get_weights())
    return copy
