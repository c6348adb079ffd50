"""`kgplan resources`: what to open on a concept or next in a course; its batch stage, its worth."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from kgplan.cli.mastery import Language
from kgplan.cli.output import AsJson, console, print_json, progress_bar, table
from kgplan.cli.stages import finish, print_figures, run_alone
from kgplan.errors import ConfigError
from kgplan.settings import read_settings

RANK = "rank"


class RanksByDefault(TyperGroup):
    """What is no command of the group is the learner whom resources are ranked for."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command, and what it is given."""
        return super().resolve_command(ctx, args if args[0] in self.commands else [RANK, *args])


resources = typer.Typer(
    cls=RanksByDefault,
    no_args_is_help=True,
    help="What a learner should open on a concept, or next in a course, best first, and why.",
    epilog="[bold]Examples:[/] kgplan resources U_177003 中断机制 ·"
    " kgplan resources U_177003 --course 操作系统 · kgplan resources train ·"
    " kgplan resources evaluate",
)


@resources.command(RANK)
def rank(
    learner_id: Annotated[str, typer.Argument(help="Learner, as in `kgplan learners`.")],
    concept: Annotated[
        str | None, typer.Argument(help="Concept by id or name; or give --course.")
    ] = None,
    course: Annotated[
        str | None,
        typer.Option(
            help="Course by id or name: its resources first, or, without a concept, its"
            " resources alone."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="Resources at most.", min=1, max=50)] = 5,
    language: Annotated[Language, typer.Option(help="Of the sentences.")] = Language.ENGLISH,
    as_json: AsJson = False,
) -> None:
    """What a learner should open on a concept, or next in a course, best first, and why.

    What the service recorded of the learner counts, as in its own answers. `rank` may be left out.

    [bold]Examples:[/] kgplan resources U_177003 中断机制 ·
    kgplan resources rank U_177003 --course 操作系统
    """
    from kgplan.cli.plan import opened, tell_of_unknown
    from kgplan.model.names import Names  # --help answers without the numerical libraries
    from kgplan.model.opening import open_planner
    from kgplan.model.recorded import recorded_learner
    from kgplan.planning import PlanOptions

    if concept is None and course is None:
        raise ConfigError("give a concept (`kgplan concepts` lists them), --course, or both")
    settings = read_settings()
    planner = open_planner(settings)
    current = recorded_learner(settings, planner, learner_id)
    if current is None:
        tell_of_unknown(planner, learner_id)
    names = Names(planner.graph, planner.records)
    found = planner.resources(
        learner_id,
        None if concept is None else names.concept(concept),
        None if course is None else names.course(course),
        PlanOptions(language=language.value, detail="numbers"),
        limit,
        current,
    )
    if as_json:
        print_json(found.to_dict())
        return
    for place, each in enumerate(found.resources, start=1):
        console.print(f"{place:>3}. {escape(opened(each))}", highlight=False, soft_wrap=True)
        if each.rank is not None:
            console.print(
                f"     [dim]{escape(each.rank.because)}[/]", highlight=False, soft_wrap=True
            )
    if found.note:
        console.print(escape(found.note), highlight=False, soft_wrap=True)
    how = f"ranked by {found.served}" if found.served else "in the order of their courses"
    console.print(f"[dim]{how} · model {found.model_version}[/]", highlight=False)


@resources.command("train")
def train(
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0, as_json: AsJson = False
) -> None:
    """Count views, pairs and steps, and fit the blend that ranks the resources of every step.

    Where the blend names held-back views no better than the simple methods, or there are too few
    views to fit it to, these rank.

    [bold]Example:[/] kgplan resources train
    """
    from dataclasses import replace

    from kgplan.pipeline.resources import default_config, run_resources

    reports = [run_alone(run_resources, replace(default_config(), seed=seed))]
    print_figures(reports, as_json)
    finish(reports, as_json)


@resources.command("policy")
def policy(
    course: Annotated[
        str, typer.Option(help="Id of the course whose videos made-up learners are shown.")
    ] = "C_course-v1:UST+UST001+sp",
    learners: Annotated[int, typer.Option(help="Made-up learners of each seed.", min=1)] = 243,
    seeds: Annotated[int, typer.Option(help="How many it is tried with, from 0.", min=2)] = 10,
    episodes: Annotated[int, typer.Option(help="That it is trained for.", min=1)] = 8,
    use: Annotated[
        str | None, typer.Option(help="Use this version again, which beat holding the weights.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Hold the weights from now on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a DQN that moves a ranking's weights on made-up learners; it is on if it beats holding.

    Logs hold no recommendations, so that learners are made up, and only the course is real. The
    policy is tried on learners whose plants it never met; 95 % by Student's t over seeds. It needs
    the extra embed or simulate. Nothing that is served to learners follows it yet.

    [bold]Examples:[/] kgplan resources policy · kgplan resources policy --off ·
    kgplan resources policy --use 0123456789abcdef
    """
    from kgplan.pipeline.policy import make_policy, stop_policy, use_policy
    from kgplan.resources.policy.training import DqnConfig

    settings = read_settings()
    if off:
        stop_policy(settings)
        console.print("weights are held")
        return
    if use is not None:
        version = use_policy(settings, use).version
        console.print(f"policy {version} is in use", highlight=False)
        return
    with progress_bar("policy") as progress:
        config = DqnConfig(episodes=episodes)
        kept = make_policy(settings, course, learners, seeds, config, progress)
    trial = kept.trial
    if as_json:
        print_json({"version": kept.version, "on": kept.on, "trial": asdict(trial)})
        return
    said = "it is in use" if kept.on else "weights stay as they were"
    console.print(
        f"policy {kept.version}: {trial.gain:+.4f} ({trial.low:+.4f} to {trial.high:+.4f}) in the"
        f" mean reward over holding, of {trial.seeds} seeds of {trial.learners} made-up learners;"
        f" {said}",
        highlight=False,
        soft_wrap=True,
    )


@resources.command("evaluate")
def evaluate_rankings(
    protocols: Annotated[
        str | None,
        typer.Option(
            "--protocols",
            help="last-5, last-1, last-20%, global, per concept, by commas; all where not given.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many, from 0.", min=1)] = 5,
    networks: Annotated[
        str | None,
        typer.Option(
            help="Train these, too, a minute each: `network`, or with a part left out,"
            " `no sequence`, `text only`, …, by commas. It needs the extra embed."
        ),
    ] = None,
    rivals: Annotated[
        str | None,
        typer.Option(help="Train these, too: BPR, LightGCN, GRU, by commas. Extra embed."),
    ] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the tables as Markdown.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Hold views back, rank all that a learner had not opened, and say what was found.

    Each learner's last views, or all behind one moment, are named by methods that count and by the
    blend. Everything is ranked, nothing is sampled; ties go by id. Intervals: 95 %, over learners.

    [bold]Examples:[/] kgplan resources evaluate · kgplan resources evaluate --protocols last-5
    --seeds 1 · kgplan resources evaluate --markdown
    """
    from kgplan.evaluation.resources.networks import NETWORKS
    from kgplan.evaluation.resources.report import MEASURES, PROTOCOLS, evaluate, markdown
    from kgplan.evaluation.resources.rivals import RIVALS
    from kgplan.pipeline.resource_views import open_views

    asked = _named("protocol", protocols, PROTOCOLS) or list(PROTOCOLS)
    chosen = _named("network", networks, tuple(NETWORKS))
    others = _named("rival", rivals, tuple(RIVALS))
    viewing, content = open_views(read_settings())
    trained = {each: content.fit(NETWORKS[each]) for each in chosen}
    trained |= {each: RIVALS[each] for each in others}
    with progress_bar("resources") as progress:
        cells = list(evaluate(viewing, content.alike, asked, seeds, progress, trained))
    if as_json:
        print_json([each.to_dict() for each in cells])
        return
    if as_markdown:
        typer.echo(markdown(cells))
        return
    for protocol in asked:
        rows = [each for each in cells if each.protocol == protocol]
        names = MEASURES[protocol]
        told = [
            (row.method, *(f"{row.means[name]:.3f}" for name in names), _gain(row.gain, row.over))
            for row in rows
        ]
        title = f"{protocol}, {rows[0].cases:,} cases"
        console.print(table(title, ("", *names, "gain"), told))


def _named(kind: str, given: str | None, known: tuple[str, ...]) -> list[str]:
    """What is listed by commas.

    Raises:
        ConfigError: one of them is not known.
    """
    asked = [each.strip() for each in given.split(",")] if given else []
    for each in asked:
        if each not in known:
            raise ConfigError(f"no {kind} {each!r}; there are {', '.join(known)}")
    return asked


def _gain(gain: float | None, over: str | None) -> str:
    return "" if gain is None else f"{gain:+.3f} over {over}"
