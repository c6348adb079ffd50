"""How is a list of tasks spread over the cores? Threads, as the kernels hold no lock of Python's.

Inside, a matrix product runs on its own thread only: products that spread over all cores would
wait for each other.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from threadpoolctl import threadpool_limits

from kgplan.machine import cores


def in_threads(
    work: Callable[..., None],
    tasks: Sequence[tuple],
    told: Callable[[int], None] = lambda done: None,
) -> None:
    """Do `work(*task)` for every task, as many at once as there are cores.

    Args:
        work: what to do; the first exception of any task ends the whole.
        tasks: the arguments of each.
        told: called with the number of tasks done.
    """
    if len(tasks) < 2:
        for task in tasks:
            work(*task)
            told(1)
        return
    workers = min(cores(), len(tasks))
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(work, *task) for task in tasks]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            told(done)
