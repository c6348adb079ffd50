"""Is docs/reference/ what the program says of itself?"""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGES = runpy.run_path(str(DOCS / "reference.py"))["pages"]()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_of_the_reference_is_as_the_program_says(name):
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert written == PAGES[name], "make reference writes it anew"


def test_no_other_page_stands_among_those_that_are_made():
    assert {each.name for each in (DOCS / "reference").iterdir()} == set(PAGES)
