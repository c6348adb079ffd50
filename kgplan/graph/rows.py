"""What do a graph's queries take and give, and how many rows at once?"""

from collections.abc import Iterator, Sequence
from typing import Any

Row = dict[str, Any]
BATCH = 10_000


def batches(rows: Sequence[Row], size: int = BATCH) -> Iterator[list[Row]]:
    """Cut rows into lists of at most `size`.

    >>> list(batches([{"id": "a"}, {"id": "b"}, {"id": "c"}], 2))
    [[{'id': 'a'}, {'id': 'b'}], [{'id': 'c'}]]
    """
    for start in range(0, len(rows), size):
        yield list(rows[start : start + size])
