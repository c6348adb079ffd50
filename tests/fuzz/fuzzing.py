"""How many cases are tried: few in `make test`, `FUZZ_CASES` together in `make fuzz`."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

FUZZ_CASES = int(os.environ.get("FUZZ_CASES", "0"))


def cases(number: int) -> settings:
    """Try so many, however long a single one takes."""
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


numbers = (
    st.floats(allow_nan=False)
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 2**63, 1e308, 5e-324, -0.0])
)
texts = st.text() | st.sampled_from(["", " ", "\x00", "\ud800", "é" * 600, "https://", "0[.]1"])
scalars = st.none() | st.booleans() | numbers | texts
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)
"""Any JSON value, and some that are rarely met."""
