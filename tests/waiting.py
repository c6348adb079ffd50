"""Which tests wait for a program that this machine lacks? One line at the end says it."""

import os
import re
from collections import Counter

import pytest

_WAITS = re.compile(r"Skipped: waits for (.+?): (.+)", re.DOTALL)


def wait_for(program: str, why: str) -> None:
    """Skip what needs a program; CI must have it.

    Args:
        program: that is missing.
        why: a sentence that says how to get it.
    """
    if os.environ.get("CI"):
        pytest.fail(f"CI must have {program}: {why}")
    pytest.skip(f"waits for {program}: {why}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests wait, for what, and how to get it."""
    found = Counter(
        said.groups()
        for report in terminalreporter.stats.get("skipped", [])
        if (said := _WAITS.search(str(report.longrepr[2])))
    )
    if found:
        each = [f"{n} for {program} ({why})" for (program, why), n in found.items()]
        terminalreporter.write_line(f"Tests that wait: {'; '.join(each)}")
