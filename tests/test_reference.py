"""Is docs/reference/ what the program says of itself?"""

import re
import runpy
from pathlib import Path
from zipfile import ZipFile

import pytest

DOCS = Path(__file__).parent.parent / "docs"
SAMPLE = DOCS.parent / "data" / "mooccube-cs.zip"
PAGES = runpy.run_path(str(DOCS / "reference.py"))["pages"]()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_of_the_reference_is_as_the_program_says(name):
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert written == PAGES[name], "make reference writes it anew"


def test_no_other_page_stands_among_those_that_are_made():
    assert {each.name for each in (DOCS / "reference").iterdir()} == set(PAGES)


def test_learners_concepts_and_courses_of_examples_are_in_the_sample():
    with ZipFile(SAMPLE) as archive:
        entities = [f"MOOCCube/entities/{name}.json" for name in ("user", "concept", "course")]
        known = {
            found
            for name in entities
            for found in re.findall(r'"id": ?"([^"]+)"', archive.read(name).decode())
        }
    named = re.findall(r"\bU_\d{3,}|\bK_\w+_\w+|\bC_course-v1:[\w+]+", PAGES["commands.md"])
    assert len(named) > 10
    assert set(named) <= known
