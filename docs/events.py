"""Write docs/guide/event-kinds.md: what each kind of event of real producers is understood as.

    python docs/events.py NAME=FILE ...

Each file is read as by `kgplan events check`. A kind is what stands beside a statement
(`{"kind": ..., "statement": ...}`), what Moodle's plugin calls it, or else its verb and object. The
files are their owners' and not in the repository, so the table is dated and compared by no test;
`tests/api/producers/`, written after the same formats, is.
"""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from kgplan.api.checking import Account, Kind, account_of
from kgplan.api.event_files import parts_of
from kgplan.api.statements import StatementRules

HERE = Path(__file__).parent
HEAD = """# What producers' events are understood as

Made by `python docs/events.py NAME=FILE ...` on {day}, of what `kgplan events check` says.

"nothing" and "length of the video" are stored, and say nothing about mastery. Positions of the
player say how much was watched where the session tells both ends. [Events](events.md) has the
commands, [the service](service.md#events) the rules.
"""


def table_of(name: str, account: Account) -> str:
    """The kinds of one file."""
    rows: dict[str, tuple[list[str], int, int]] = {}
    for counts, before in ((account.said, ""), (account.refused, "refused: ")):
        for kind, count in counts.items():
            meanings, number, first = rows.get(called(kind), ([], 0, count.first_line))
            meanings.append(before + kind.meaning)
            rows[called(kind)] = meanings, number + count.number, min(first, count.first_line)
    lines = [
        f"| {kind} | {', '.join(dict.fromkeys(meanings))} | {number:,} |"
        for kind, (meanings, number, _) in sorted(rows.items(), key=lambda row: row[1][2])
    ]
    refused = sum(each.number for each in account.refused.values())
    return "\n".join(
        [
            f"## {name}\n",
            f"{account.number:,} events of {len(rows)} kinds; {account.silent:,} say nothing,"
            f" {refused:,} are refused.\n",
            "| kind | understood as | events |",
            "|---|---|---|",
            *lines,
            "",
        ]
    )


def called(kind: Kind) -> str:
    """What a kind is called in the table: its own name, else its verb and object."""
    verb = kind.verb.rpartition("/")[2]
    return f"`{kind.name}`" if kind.name else f"{verb} a {kind.object_type or 'thing'}"


def main(arguments: list[str]) -> None:
    """Write the page."""
    given = [each.partition("=") for each in arguments]
    parts = [HEAD.format(day=datetime.now(UTC).date())]
    for name, _, file in given:
        account = account_of(parts_of(Path(file)), time.time(), StatementRules())
        parts.append(table_of(name, account))
    (HERE / "guide" / "event-kinds.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
