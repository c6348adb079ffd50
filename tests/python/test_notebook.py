"""The notebook of docs/ runs from its first cell to its last, and shows what it shows there."""

import ast
import json
import re
from pathlib import Path

import matplotlib
import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
HEADING = re.compile(r"<th[^>]*>([^<]*)</th>")


def cells():
    """(source, stored outputs) of each cell with code."""
    found = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [("".join(c["source"]), c["outputs"]) for c in found if c["cell_type"] == "code"]


def run(source, names):
    """Run a cell as a notebook does; what its last line gives, if that is an expression."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), NOTEBOOK.name, "exec"), names)
    return eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names) if last else None


def headings(html):
    """Column headings of a table."""
    return HEADING.findall(html)


def test_the_notebook_runs_and_its_stored_answers_are_of_this_code(sample_home, monkeypatch):
    monkeypatch.setenv("KGPLAN_HOME", str(sample_home.home))
    figures = []
    matplotlib.use("Agg")
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: figures.append(1))
    names: dict = {}
    for source, outputs in cells():
        shown = run(source, names)
        kinds = {kind for output in outputs for kind in output["data"]}
        if "text/html" in kinds:
            stored = "".join(outputs[0]["data"]["text/html"])
            assert headings(stored)[:5] == headings(shown._repr_html_())[:5], source
        assert ("image/svg+xml" in kinds) == hasattr(shown, "_repr_svg_"), source
        assert ("image/png" in kinds) == bool(figures), source
        figures.clear()
    names["model"].close()


@pytest.mark.parametrize("private", [str(NOTEBOOK.parents[1]), "/home/", "/tmp/"])
def test_the_stored_answers_name_no_machine(private):
    assert private not in NOTEBOOK.read_text(encoding="utf-8")
