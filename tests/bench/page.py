"""How do figures get into docs/measured.md?"""

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "measured.md"


def write_figures(target: str, lines: Sequence[str]) -> None:
    """Put lines between the marks of a target of `make`, in place of what stands there."""
    begin, end = (f"<!-- make {target}: {what} -->\n" for what in ("begin", "end"))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(end)[2]
    text = before + begin + "\n".join(lines) + "\n" + end + after
    PAGE.write_text(text, encoding="utf-8")
