"""Rules for the arguments that heads have in common."""

from keras_bert_zoo import arguments
from keras_bert_zoo.errors import InputError


def checked_dropout(dropout: float) -> float:
    """Returns a probability of zeroing an activation.

    Raises:
        InputError: if it is not a number in [0, 1).
    """
    rule = "at least 0 and below 1"
    dropout = arguments.finite_number("dropout", dropout, rule)
    if not 0 <= dropout < 1:
        raise InputError(
            f"`dropout` must be {rule}. Received: "
            f"dropout={dropout!r}. 0 turns it off."
        )
    return dropout


def checked_unicode(label: str) -> str:
    """Returns a label that has a UTF-8 form.

    Raises:
        InputError: if it holds a lone surrogate.
    """
    if not label.isascii() and any("\ud800" <= c <= "\udfff" for c in label):
        raise InputError(
            "A label must be valid Unicode. Received a lone surrogate in "
            f"{ascii(label)}. Write both halves of the pair, or remove it."
        )
    return label
