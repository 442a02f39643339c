"""What tells rows from others."""

import hashlib
from collections.abc import Iterable

from keras_bert_zoo.data.rows import Row


def digest_of(rows: Iterable[Row]) -> str:
    """Returns 16 hexadecimal digits that follow from all values, in order.

    Args:
        rows: rows whose values are texts, numbers, and lists of them.
    """
    found = hashlib.blake2b(digest_size=8)
    for row in rows:
        values = sorted(row.values.items(), key=lambda item: str(item[0]))
        found.update(repr(values).encode("utf-8", "surrogatepass"))
    return found.hexdigest()
