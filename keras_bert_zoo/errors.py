"""The one exception for mistakes that a user can make and mend."""


class InputError(ValueError):
    """Something given by the user breaks a rule.

    The message states the rule, what was received, and the remedy. Programs
    may show it without a traceback; the command line does.
    """
