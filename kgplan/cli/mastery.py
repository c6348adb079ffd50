"""`kgplan mastery`: what one learner's mastery of one concept rests on."""

from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, print_json, table
from kgplan.settings import read_settings

HEADINGS = ("title", "kind", "did", "how far", "on it", "moved")


class Language(StrEnum):
    """Of the sentence."""

    ENGLISH = "en"
    CHINESE = "zh"


def mastery(
    learner_id: Annotated[str, typer.Argument(help="Learner, as in `kgplan learners`.")],
    concept: Annotated[str, typer.Argument(help="A concept's id, or its exact name.")],
    limit: Annotated[
        int | None,
        typer.Option(help="Views and answers that are looked at, each in turn; else 16.", min=1),
    ] = None,
    language: Annotated[Language, typer.Option(help="Of the sentence.")] = Language.ENGLISH,
    as_json: AsJson = False,
) -> None:
    """What a learner's mastery of a concept rests on: which views and answers moved it.

    Each is left out in turn, and the mastery inferred again. What several say alike, none of them
    moves alone, so that the moves do not sum to anything.

    [bold]Examples:[/] kgplan mastery U_177003 中断机制 · kgplan mastery U_177003 中断机制 --json
    """
    from kgplan.model.names import Names  # --help answers without the numerical libraries
    from kgplan.model.opening import open_planner
    from kgplan.model.recorded import reading_learners, recorded_reasons
    from kgplan.planning import PlanOptions
    from kgplan.planning.because import MOST_REASONS

    settings = read_settings()
    planner = open_planner(settings)
    concept_id = Names(planner.graph, planner.records).concept(concept)
    manner = PlanOptions(language=language.value, detail="numbers")
    with reading_learners(settings) as learners:
        found = recorded_reasons(
            learners, planner, learner_id, concept_id, manner, limit or MOST_REASONS
        )
    if as_json:
        print_json(found.to_dict())
        return
    rows = [
        (
            each.title or each.item_id,
            each.kind,
            each.did.replace("_", " "),
            each.share if each.score is None else each.score,
            each.covers,
            f"{each.moved:+z.3f}",
        )
        for each in found.reasons or ()
    ]
    console.print(escape(found.because), highlight=False, soft_wrap=True)
    if rows:
        console.print(table(f"{learner_id} on {found.name}", HEADINGS, rows))
    if found.left_out:
        console.print(f"{found.left_out:,} more were not looked at")
