"""Many things, some at a time. (itertools.batched comes with Python 3.12.)"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in their order, in parts of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
