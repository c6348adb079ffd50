"""What the statements of real producers are understood as is what docs/guide/event-kinds.md says.

They are their owners', and stand beside the repository, where they are.
"""

import runpy
import time
from pathlib import Path

import pytest

from kgplan.api.checking import account_of
from kgplan.api.event_files import parts_of
from kgplan.api.statements import StatementRules

ROOT = Path(__file__).parents[2]
STATEMENTS = ROOT.parent / "shared" / "data" / "xapi"


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("openedx-expected.jsonl", "Open edX, event-routing-backends 10.0.0"),
        ("fun-mooc.jsonl.gz", "FUN-MOOC's player, Video Profile"),
    ],
)
def test_real_producers_statements_are_understood_as_the_page_says(file, name):
    if not (STATEMENTS / file).exists():
        pytest.skip(f"{file} is not here")
    table_of = runpy.run_path(str(ROOT / "docs" / "events.py"))["table_of"]
    drawn = table_of(name, account_of(parts_of(STATEMENTS / file), time.time(), StatementRules()))
    assert drawn in (ROOT / "docs" / "guide" / "event-kinds.md").read_text(encoding="utf-8")
