"""A trained encoder with another vocabulary than its own."""

import keras
import numpy as np

from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.tokenization import Tokenizer


def with_vocabulary(
    encoder: keras.Model, before: Tokenizer, tokenizer: Tokenizer
) -> keras.Model:
    """Returns a copy of an encoder that reads another tokenizer's tokens.

    A token of both vocabularies keeps its embedding. A new one's begins as the
    mean of those of the tokens that spelled its text before. All other weights
    are copied.

    Args:
        encoder: `BertEncoder`, or another with a `token_embedding`.
        before: `Tokenizer` that the encoder was trained with.
        tokenizer: `Tokenizer` that it is to read.

    Raises:
        InputError: if a tokenizer does not tell which tokens continue a word.

    Source: Gee et al., 2022, "Fast vocabulary transfer for language model
    compression" (arXiv:2402.09977).
    """
    table = keras.ops.convert_to_numpy(encoder.token_embedding)
    table = table.astype("float32")
    config = encoder.get_config()
    config["vocabulary_size"] = tokenizer.vocabulary_size
    other = type(encoder).from_config(config)
    for mine, theirs in zip(other.weights, encoder.weights, strict=True):
        if mine is not other.token_embedding:
            mine.assign(keras.ops.convert_to_numpy(theirs))
    other.token_embedding.assign(
        np.stack(
            [table[ids].mean(axis=0) for ids in _ids_before(before, tokenizer)]
        )
    )
    return other


def head_with_vocabulary(
    head: HeadWeights, tokenizer: Tokenizer
) -> HeadWeights:
    """Returns a head whose bias, where each token has one, begins anew.

    Args:
        head: `HeadWeights` of any kind.
        tokenizer: `Tokenizer` of the tokens that are to be predicted.
    """
    if "output_bias" not in head.weights:
        return head
    bias = np.zeros(tokenizer.vocabulary_size, "float32")
    return head._replace(weights={**head.weights, "output_bias": bias})


def _ids_before(before: Tokenizer, tokenizer: Tokenizer) -> list[list[int]]:
    """Returns the ids that spelled each token before; at least one."""
    id_of = {token: index for index, token in enumerate(before.tokens)}
    # Tokens that continue a word, by their texts.
    inner_of = {
        text: index
        for index, (text, is_inner) in enumerate(
            zip(before.token_texts(), before.continues_word(), strict=True)
        )
        if is_inner
    }
    texts = before.token_texts()
    found = []
    for token, is_inner, ids in zip(
        tokenizer.tokens,
        tokenizer.continues_word(),
        before.tokenize(list(tokenizer.token_texts())).to_list(),
        strict=True,
    ):
        if token in id_of:
            ids = [id_of[token]]
        elif not ids:
            # Such as an accent that the tokenizer before drops.
            ids = [before.mask_id]
        elif is_inner:
            ids = [inner_of.get(texts[ids[0]], ids[0]), *ids[1:]]
        found.append(ids)
    return found
