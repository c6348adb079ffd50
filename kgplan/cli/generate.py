"""`kgplan generate`: MOOCCube-like archives of any size, with planted truth."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, print_json, progress_bar, table


class Preset(StrEnum):
    """How large a world is, before single sizes are changed."""

    SAMPLE = "sample"
    PAPER = "paper"
    FULL = "full"
    TENFOLD = "10x"


def generate(
    out: Annotated[Path, typer.Argument(help="The folder; or the zip, by the ending .zip.")],
    preset: Annotated[
        Preset,
        typer.Option(
            help="The real sample's size, the paper's, MOOCCube's, ten times the paper's."
        ),
    ] = Preset.PAPER,
    learners: Annotated[int | None, typer.Option(help="Views and enrolments follow.")] = None,
    courses: Annotated[int | None, typer.Option(help="Videos follow.")] = None,
    videos: Annotated[int | None, typer.Option(help="All cover concepts.")] = None,
    concepts: Annotated[int | None, typer.Option(help="Prerequisites follow.")] = None,
    views: Annotated[int | None, typer.Option(help="Videos opened; enrolments follow.")] = None,
    enrolments: Annotated[int | None, typer.Option(help="Pairs of learner and course.")] = None,
    prerequisites: Annotated[int | None, typer.Option(help="Pairs of concepts.")] = None,
    wrong_prerequisites: Annotated[
        float | None, typer.Option(help="Share of them turned around, which closes cycles.")
    ] = None,
    partial: Annotated[float | None, typer.Option(help="Share of views that end early.")] = None,
    idle: Annotated[float | None, typer.Option(help="Share of learners who open nothing.")] = None,
    dirty: Annotated[
        float, typer.Option(help="Bad rows for each good one, of every kind.", min=0, max=1)
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.", min=0)] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier result.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a MOOCCube-like archive of any size, with the truth behind it in truth/.

    Learners hold concepts and open videos as V-DINA says, so a fit can be held against what was
    planted. What is not given keeps its proportion to what is.

    [bold]Examples:[/] kgplan generate big.zip · kgplan generate small --learners 1000 --seed 1 ·
    kgplan generate dirty --preset sample --dirty 0.01 && kgplan etl run dirty
    """
    from kgplan.evaluation.generate import generate as write
    from kgplan.evaluation.simulation import PRESETS

    config = PRESETS[preset.value].resized(
        learners=learners,
        courses=courses,
        videos=videos,
        concepts=concepts,
        views=views,
        enrolments=enrolments,
        prerequisites=prerequisites,
        wrong_prerequisites=wrong_prerequisites,
        partial=partial,
        idle=idle,
    )
    with progress_bar("generate") as progress:
        made = write(out, config, seed, dirty=dirty, force=force, progress=progress)
    if as_json:
        print_json(made.to_dict())
        return
    console.print(table(f"{made.place}", ("file", "rows"), sorted(made.rows.items())))
    if made.dirt:
        rows = [(*what, n) for what, n in sorted(made.dirt.items())]
        console.print(table("bad rows among them", ("file", "table", "reason", "rows"), rows))
    console.print(
        f"{made.views:,} of {made.observations:,} videos of learners' courses opened,"
        f" {made.bytes / 1e6:,.0f} MB; next: kgplan etl run {escape(str(made.place))}",
        highlight=False,
        soft_wrap=True,
    )
