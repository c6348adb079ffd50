"""An answer for a learner of few rows: vector, and 100 neighbours of 48,640, in CPU time; against
the product of matrices that it cannot do without. By one thread of BLAS, as it is served."""

import time
from dataclasses import replace

import coldstart_cases as cases
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from kgplan.coldstart.config import TowerConfig

KNOWN, WIDTH = 48_640, 128


def test_an_answer_costs_little_more_than_its_product_of_matrices():
    pytest.importorskip("torch")
    from kgplan.coldstart.training import train

    rng = np.random.default_rng(0)
    records = cases.records(rng, n=60)
    histories = cases.histories(records)
    config = TowerConfig(epochs=1, width=WIDTH)
    few = np.arange(50)
    model = train(histories, records, cases.facts(), few, np.arange(50, 60), config).model
    vectors = rng.normal(size=(KNOWN, WIDTH)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    model = replace(model, vectors=vectors)
    rows = [histories.cut(u, n) for u in range(50, 60) for n in (0, 1, 3, 5)]
    spent, product = [], []
    for each in 10 * rows:
        with threadpool_limits(1, "blas"):
            begin = time.process_time()
            found = model.alike([each])
            spent.append(time.process_time() - begin)
            assert found.positions.shape == (1, 100)
            begin = time.process_time()
            vectors[:1] @ vectors.T
            product.append(time.process_time() - begin)
    p50, p99 = np.quantile(spent, [0.5, 0.99]) * 1e3
    alone = np.median(product) * 1e3
    size = vectors.nbytes / 1e6
    print(f"\nan answer: p50 {p50:.1f} ms, p99 {p99:.1f} ms; the product alone {alone:.1f} ms")
    print(f"vectors {size:.1f} MB")
    assert size < 26
    assert p50 < 5 * alone
