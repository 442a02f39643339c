"""The exception for mistakes that a user can make and mend."""


class InputError(ValueError):
    """Something given by the user breaks a rule.

    The message states the rule, what was received, and the remedy. Programs
    may show it without a traceback; the command line does.
    """


class ExportError(RuntimeError):
    """An artifact that does not give the model's answers, and was not kept."""


class DivergenceError(RuntimeError):
    """A training run that was stopped because its loss is NaN or infinite."""


class StoppedError(RuntimeError):
    """A run that was stopped, by SIGTERM or a lost worker."""


class ItemError(InputError):
    """A mistake in one item of a row's lists, such as one tag of a sentence.

    Args:
        message: str, as above.
        item: int. The item's place in its list, from 0.
    """

    def __init__(self, message: str, item: int):
        super().__init__(message)
        self.item = item


class UnseenLabelError(InputError):
    """An example's label is none of the head's."""


class UnseenTagError(ItemError, UnseenLabelError):
    """A word's tag is none of the head's."""
