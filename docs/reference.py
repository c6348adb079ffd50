"""Write docs/reference/ from the code: commands, options of a plan, settings, problems.

    python docs/reference.py [FOLDER]

A page is made of what the program says of itself, so that neither can be wrong alone;
`tests/test_reference.py` compares both.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from kgplan.api.problems import problem_name, status_of
from kgplan.cli import app
from kgplan.errors import KgplanError
from kgplan.planning.options import OPTIONS, NamedOption
from kgplan.planning.planners import planners
from kgplan.settings import Settings

HERE = Path(__file__).parent
NOT_RAISED = {
    "bad-parameters": (
        422,
        "A parameter is missing, unknown, outside its range, or contradicts another;"
        " 400 below /xapi, as xAPI asks.",
    ),
    "no-such-operation": (404, "Nothing answers at this address."),
    "method-not-allowed": (405, "The address takes other methods, listed in `Allow`."),
    "internal": (500, "A fault of the service; its log tells more."),
}
"""Problems that no error of ours is behind."""


def pages() -> dict[str, str]:
    """Each page's file name and text."""
    return {
        "commands.md": commands(),
        "options.md": options(),
        "configuration.md": configuration(),
        "errors.md": errors(),
    }


def commands() -> str:
    """Every command with its arguments and options."""
    parts = [
        "# Commands\n",
        "`kgplan COMMAND --help` says the same. Exit codes: 0 done, 2 something that the caller"
        " can mend,\n1 anything else; an error is one sentence.\n",
    ]
    for name, command in _commands(typer.main.get_command(app), "kgplan"):
        about, _, examples = (command.help or "").partition("[bold]Examples:[/]")
        parts += [f"## {name}\n", _line(about), ""]
        if examples:
            parts += ["```sh", *(each.strip() for each in _line(examples).split("·")), "```", ""]
        rows = [_row_of(each) for each in command.params if each.name != "help"]
        if rows:
            parts += [_table(("", "value", "default", ""), rows), ""]
    return "\n".join(parts)


def options() -> str:
    """What may be chosen about a plan, over every way in."""
    rows = (
        (f"`{each.name}`", _bounds(each), _shown(each.default), each.option.about)
        for each in OPTIONS
    )
    words = ((f"`{name}`", each.about) for name, each in planners().items())
    return "\n".join(
        [
            "# Options of a plan\n",
            "The same over the command line (`--theta .9`), HTTP (`theta=.9`) and"
            " Python\n(`theta=.9`).\n",
            _table(("option", "value", "default", ""), rows),
            "\n## Planners\n",
            _table(("planner", ""), words),
            "",
        ]
    )


def configuration() -> str:
    """Every setting of the environment."""
    rows = (
        (f"`KGPLAN_{name.upper()}`", _default_of(name, field), _line(field.description or ""))
        for name, field in Settings.model_fields.items()
    )
    return "\n".join(
        [
            "# Configuration\n",
            "From the environment, read once at the start. A value that cannot be used is told"
            " with its name.\n",
            _table(("variable", "default", ""), rows),
            "",
            "`KGPLAN_HOME` is `var/` of the checkout that kgplan runs from, else the user's data"
            " folder.",
            "",
        ]
    )


def errors() -> str:
    """Every problem that the service answers with."""
    leaves = (each for each in _leaves(KgplanError) if each.__module__ == "kgplan.errors")
    ours = {problem_name(each.__new__(each)): each for each in leaves}
    told = NOT_RAISED | {
        name: (status_of(each.__new__(each)), (each.__doc__ or "").partition("\n\n")[0])
        for name, each in ours.items()
    }
    ordered = sorted(told.items(), key=lambda each: (each[1][0], each[0]))
    rows = ((f"`{name}`", str(status), _line(text)) for name, (status, text) in ordered)
    return "\n".join(
        [
            "# Problems\n",
            "Every error of the service is a problem (RFC 9457, `application/problem+json`):"
            " `type` is\n`urn:kgplan:problem:` and a name of this table, which stays; `title`,"
            " `status`, `detail`; `fields`\nnames the parameters that are wrong"
            " (`query.length`, `path.learner_id`, `body.items.3.pin`),\n`close_matches` the ids"
            " that look like a missing one, `instance` the request, as\n`urn:kgplan:request:` and"
            " the answer's `X-Request-ID`.\n",
            _table(("name", "status", "when"), rows),
            "",
        ]
    )


def flags() -> dict[str, set[str]]:
    """The options that each command takes."""
    return {
        name: {"--help", *(flag for each in command.params for flag in each.opts)}
        for name, command in _commands(typer.main.get_command(app), "kgplan")
    }


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", {})
    if not below or (command.invoke_without_command and name != "kgplan"):
        yield name, command
    for each in below.values():
        yield from _commands(each, f"{name} {each.name}")


def _row_of(parameter: Any) -> tuple[str, str, str, str]:
    is_argument = parameter.param_type_name == "argument"
    name = parameter.name if is_argument else ", ".join(parameter.opts + parameter.secondary_opts)
    kind = "" if getattr(parameter, "is_flag", False) else str(parameter.type.name)
    low, high = getattr(parameter.type, "min", None), getattr(parameter.type, "max", None)
    choices = getattr(parameter.type, "choices", ())
    value = " ".join(f"`{each}`" for each in choices) or kind.removesuffix(" range")
    if low is not None or high is not None:
        value = _between(low, high)
    default = "needed" if parameter.required else _shown(parameter.default)
    return f"`{name}`", value, default, _line(parameter.help or "")


def _between(low: object, high: object) -> str:
    if low is None or high is None:
        return f"{low} or more" if high is None else f"at most {high}"
    return f"{low} to {high}"


def _bounds(option: NamedOption) -> str:
    described = option.option
    if described.names is not None:
        return " ".join(f"`{each}`" for each in described.names())
    if described.most is not None:
        return f"at most {described.most}, repeated"
    if option.type is bool:
        return "`true` `false`"
    return _between(described.low, described.high)


def _shown(value: object) -> str:
    empty = value is None or value is False or callable(value) or value in ("", (), [])
    return "" if empty else f"`{value}`"


def _default_of(name: str, field: FieldInfo) -> str:
    if field.default_factory is not None or isinstance(field.default, SecretStr):
        return "see below" if name == "home" else ""
    value = field.default
    return _shown(" ".join(value) if isinstance(value, tuple) else value)


def _leaves(error: type[KgplanError]) -> list[type[KgplanError]]:
    below = [leaf for each in error.__subclasses__() for leaf in _leaves(each)]
    return below or [error]


def _line(text: str) -> str:
    """Text without line breaks and without markup of the terminal."""
    return " ".join(re.sub(r"\[/?(bold|dim)?\]", "", text).split())


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    cells = ([each.replace("|", "\\|") for each in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def write(folder: Path) -> None:
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "reference")
