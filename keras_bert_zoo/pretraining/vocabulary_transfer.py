"""A trained encoder with another vocabulary than its own."""

from collections.abc import Sequence

import keras
import numpy as np

from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.tokenization import Tokenizer


def spelled_by(
    before: Tokenizer, tokenizer: Tokenizer
) -> list[tuple[int, ...]]:
    """Returns the old tokens that spell each token of another vocabulary.

    A token of both vocabularies stands for itself, a special token for the old
    one of its role. Any other is spelled by the old tokens of its text; if it
    continues a word, so does the first of these, where the old vocabulary has
    it so. A text that the old tokenizer drops, such as an accent, is spelled by
    the mask token.

    Args:
        before: `Tokenizer` that the encoder was trained with.
        tokenizer: `Tokenizer` that it is to read.

    Returns:
        For each of `tokenizer`'s ids, one id of `before` or more.

    Raises:
        InputError: if a tokenizer does not tell which tokens continue a word.
    """
    id_of = {token: index for index, token in enumerate(before.tokens)}
    special = dict(
        zip(_special_ids(tokenizer), _special_ids(before), strict=False)
    )
    texts = before.token_texts()
    inner_of = {
        texts[index]: int(index)
        for index in np.flatnonzero(before.continues_word())
    }
    found = []
    for index, (token, is_inner, ids) in enumerate(
        zip(
            tokenizer.tokens,
            tokenizer.continues_word(),
            before.tokenize(list(tokenizer.token_texts())).to_list(),
            strict=True,
        )
    ):
        if index in special:
            ids = [special[index]]
        elif token in id_of:
            ids = [id_of[token]]
        elif not ids:
            ids = [before.mask_id]
        elif is_inner:
            ids = [inner_of.get(texts[ids[0]], ids[0]), *ids[1:]]
        found.append(tuple(ids))
    return found


def with_vocabulary(
    encoder: keras.Model, spelled: Sequence[tuple[int, ...]]
) -> keras.Model:
    """Returns a copy of an encoder that reads another vocabulary.

    A token's embedding is the mean of those of the old tokens that spell it;
    all other weights are copied.

    Args:
        encoder: `BertEncoder`, or another with a `token_embedding`.
        spelled: of each token of the new vocabulary; see `spelled_by`.

    Source: Gee et al., 2022, "Fast vocabulary transfer for language model
    compression" (arXiv:2402.09977).
    """
    other = type(encoder).from_config(
        {**encoder.get_config(), "vocabulary_size": len(spelled)}
    )
    for mine, theirs in zip(other.weights, encoder.weights, strict=True):
        values = keras.ops.convert_to_numpy(theirs)
        if mine is other.token_embedding:
            values = _means(values, spelled)
        mine.assign(values)
    return other


def head_with_vocabulary(
    head: HeadWeights, spelled: Sequence[tuple[int, ...]]
) -> HeadWeights:
    """Returns a head for another vocabulary: a token's bias is a mean, too.

    Args:
        head: `HeadWeights` of any kind.
        spelled: see `with_vocabulary`.
    """
    weights = dict(head.weights)
    if "output_bias" in weights:
        weights["output_bias"] = _means(weights["output_bias"], spelled)
    return head._replace(weights=weights)


def _means(
    values: np.ndarray, spelled: Sequence[tuple[int, ...]]
) -> np.ndarray:
    values = values.astype("float32")
    return np.stack([values[list(ids)].mean(axis=0) for ids in spelled])


def _special_ids(tokenizer: Tokenizer) -> list[int]:
    """Returns the special tokens' ids, in the order of their roles."""
    around = tokenizer.template(2).special_tokens
    return [
        tokenizer.padding_id,
        tokenizer.mask_id,
        *(token for part in around for token in part),
    ]
