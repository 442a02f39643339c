"""Counts of truncated texts, tokens and padding in the input pipeline."""

import threading


class InputCounts:
    """Counts of one pass over a data set, gathered while it is prepared.

    Give an instance to `build_dataset`. The numbers are those of the first
    pass, and whole once that pass has ended.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._is_whole = False
        self._counts = (0, 0, 0, 0)

    @property
    def num_examples(self) -> int:
        """Examples tokenized."""
        return self._counts[0]

    @property
    def num_truncated(self) -> int:
        """Examples that lost tokens because they were too long."""
        return self._counts[1]

    @property
    def num_tokens(self) -> int:
        """Tokens in all batches, padding left out."""
        return self._counts[2]

    @property
    def num_padded_tokens(self) -> int:
        """Tokens in all batches, padding included."""
        return self._counts[3]

    @property
    def padding_fraction(self) -> float:
        """Fraction of padding among all tokens, in [0, 1)."""
        if not self.num_padded_tokens:
            return 0.0
        return 1 - self.num_tokens / self.num_padded_tokens

    def finish(self) -> None:
        """Ends the counting: the first pass may be read again."""
        self._is_whole = True

    def add(self, number: int, *counts: int) -> None:
        """Adds a part of pass `number`; later ones than 0 do not count."""
        if number > 0 or self._is_whole:
            return
        with self._lock:
            self._counts = tuple(
                int(old + new)
                for old, new in zip(self._counts, counts, strict=True)
            )
