"""Rules for the numbers that heads take."""

from keras_bert_zoo.errors import InputError


def checked_dropout(dropout: float) -> float:
    """Returns a probability of zeroing an activation.

    Raises:
        InputError: if it is no number, or not in [0, 1).
    """
    proper = isinstance(dropout, int | float) and not isinstance(dropout, bool)
    if not proper or not 0 <= dropout < 1:
        raise InputError(
            "`dropout` must be at least 0 and below 1. Received: "
            f"dropout={dropout!r}. 0 turns it off."
        )
    return float(dropout)
