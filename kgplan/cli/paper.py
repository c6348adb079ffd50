"""`kgplan paper`: the tables of a paper, with what was published and what we find."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, print_json, progress_bar, table
from kgplan.settings import read_settings


def paper(
    name: Annotated[
        str,
        typer.Argument(
            help=(
                "kg-plppm, gcn-attention-rl or preschool-multimodal; or a file of an experiment,"
                " by the ending .toml."
            )
        ),
    ],
    only: Annotated[
        list[str] | None,
        typer.Option("--table", help="A table by its name, as 1 or gain; several times."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files; papers in KGPLAN_HOME.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fill the tables of a paper from the model in use, beside what was published.

    preschool-multimodal needs no model: its sessions are generated, with states that are planted.

    Writes them as Markdown, as a page with charts, as CSV and as JSON. Each cell has its interval
    over learners. A run that was stopped goes on after its last whole cell; cells are made anew
    where data, parameters or code have changed.

    [bold]Examples:[/] kgplan paper kg-plppm · kgplan paper kg-plppm --table 1 --table gain ·
    kgplan paper kg-plppm --out results --json · kgplan paper my-experiment.toml
    """
    from kgplan.evaluation.papers.written import rows_of, to_dict
    from kgplan.pipeline.paper import FOLDER, run_paper, write_run

    settings = read_settings()
    with progress_bar("paper") as progress:
        run = run_paper(settings, name, only or [], progress)
    written = write_run(run, out or settings.home / FOLDER)
    if as_json:
        print_json(to_dict(run))
        return
    for filled in run.tables:
        headings = ("", *(column.title for column in filled.table.columns), "n")
        console.print(table(filled.table.title, headings, rows_of(filled)))
    for sentence in run.findings:
        console.print(f"- {escape(sentence)}", highlight=False, soft_wrap=True)
    places = ", ".join(str(place) for place in written)
    console.print(f"written: {escape(places)}", highlight=False, soft_wrap=True)
