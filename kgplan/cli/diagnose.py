"""`kgplan diagnose`: the batch stage; `kgplan diagnose fit`: anyone's answers and Q-matrix."""

import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from kgplan.cli.output import AsJson, console, print_json, progress_bar, table, write_json
from kgplan.cli.stages import Changes, Config, configured, finish, print_figures, run_alone
from kgplan.errors import ConfigError
from kgplan.settings import read_settings

SHOWN = 20  # rows of a table of concepts or items

diagnose = typer.Typer(invoke_without_command=True)


class Link(StrEnum):
    """How an item's concepts act together."""

    CONJUNCTIVE = "conjunctive"
    COMPENSATORY = "compensatory"

    @classmethod
    def named(cls, text: str) -> "Link":
        """By its name, or by that of the model which is known for it."""
        found = {"dina": cls.CONJUNCTIVE, "vdina": cls.COMPENSATORY}.get(text)
        if found is None and text not in list(cls):
            raise typer.BadParameter(f"{text!r} is neither {' nor '.join(cls)}")
        return found or cls(text)


class Prior(StrEnum):
    """What is believed of learners beforehand."""

    SATURATED = "saturated"
    INDEPENDENT = "independent"


@diagnose.callback()
def run_diagnosis(
    context: typer.Context,
    config: Config = None,
    changes: Changes = None,
    flat_prior: Annotated[
        bool, typer.Option("--flat-prior", help="Keep the prior of every concept at 0.5.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Which concepts does each learner hold? Without a command: the batch stage.

    It fits V-DINA by EM: slip and guess of every item, mastery of every learner, from what
    learners met.

    [bold]Examples:[/] kgplan diagnose · kgplan diagnose --flat-prior ·
    kgplan diagnose --set damping=0.2 --set enumeration_limit=10 ·
    kgplan diagnose --set model=kg-plppm (as it was published) ·
    kgplan diagnose fit --help (your own answers)
    """
    if context.invoked_subcommand is not None:
        return
    from kgplan.pipeline.diagnose import OBJECTIVE_PLOT, run_diagnose

    wanted = [*(changes or []), *(["learn_prior=false"] if flat_prior else [])]
    reports = [run_alone(run_diagnose, configured(run_diagnose, config, wanted))]
    print_figures(reports, as_json)
    if not as_json:
        console.print(f"objective {sparkline(reports[0].details['objective'][1:])}")
        plot = read_settings().artifacts / "diagnosis" / reports[0].version / OBJECTIVE_PLOT
        console.print(f"plot: {plot}", highlight=False, soft_wrap=True)
    finish(reports, as_json)


@diagnose.command("fit")
def fit_answers(
    context: typer.Context,
    responses: Annotated[
        Path,
        typer.Option(
            help="CSV: learner_id,item_id,score\\[,weight], or a column an item; in order:"
            " learner_id,item_id,score,time."
        ),
    ],
    q_matrix: Annotated[
        Path, typer.Option(help="CSV: item_id,concept_id, or a column a concept, a row an item.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    link: Annotated[
        Link,
        typer.Option(
            parser=Link.named,
            metavar="conjunctive|compensatory",
            help="conjunctive, as DINA: all concepts of an item are needed; compensatory, as"
            " V-DINA: each helps.",
        ),
    ] = Link.COMPENSATORY,
    prior: Annotated[
        Prior, typer.Option(help="saturated: a probability for every set of concepts (15 at most).")
    ] = Prior.INDEPENDENT,
    pull: Annotated[
        bool,
        typer.Option(
            "--pull", help="Beta priors on slip, guess and prior, for items with few answers."
        ),
    ] = False,
    hierarchy: Annotated[
        Path | None,
        typer.Option(help="CSV: prerequisite_id,concept_id; needs --prior saturated."),
    ] = None,
    starts: Annotated[int, typer.Option(help="Starting values to try.", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="Draws the starting values after the first.")] = 0,
    iteration_limit: Annotated[
        int | None,
        typer.Option(
            "--iteration-limit",
            "--iterations",
            help="Iterations of EM at most; 5000, in order 500, if not given.",
            min=1,
        ),
    ] = None,
    in_order: Annotated[
        bool,
        typer.Option(
            "--in-order",
            help="Answers have times: mastery is learned, and ages between answers.",
        ),
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="With --in-order: of which moment mastery is, in ISO 8601; else of the last"
            " answer. Times without a zone are of KGPLAN_TIME_ZONE.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fit DINA or V-DINA to your own answers, by maximum likelihood.

    Writes items.csv (slip and guess with standard errors, item fit), mastery.parquet, concepts.csv,
    states.csv, rejects.csv (rows kept out, with the reason) and fit.json.

    With --in-order, each answer has a time, and a learner may answer an item several times: fitted
    are also how much is learned at an answer and after how many days half of a mastery is lost.

    [bold]Examples:[/] kgplan diagnose fit --responses R.csv --q-matrix Q.csv --link conjunctive
    --prior saturated --out results ·
    kgplan diagnose fit --responses R.csv --q-matrix Q.csv --in-order --as-of 2026-12-01
    --out results
    """
    limit = {} if iteration_limit is None else {"iteration_limit": iteration_limit}
    if in_order:
        refuse_given(context, ("link", "prior", "pull", "hierarchy", "starts", "seed"))
        fit_in_order(responses, q_matrix, out, as_of, limit, as_json)
        return
    if as_of is not None:
        raise ConfigError(f"--as-of {as_of} needs times of answers; give --in-order, too")
    from kgplan.diagnosis import DiagnosisConfig
    from kgplan.pipeline.mastery import run_fit

    chosen = {"link": link.value, "class_prior": prior.value, "iteration_limit": 5000} | limit
    config = (
        DiagnosisConfig(**chosen, tolerance=1e-8)  # type: ignore[arg-type]
        if pull
        else DiagnosisConfig.maximum_likelihood(**chosen)
    )
    with progress_bar("diagnose fit") as progress:
        summary = run_fit(responses, q_matrix, out, config, starts, seed, progress, hierarchy)
    if as_json:
        print_json(summary)
        return
    show_fit(summary, out)


def refuse_given(context: typer.Context, names: Sequence[str]) -> None:
    """Refuse options that say nothing of answers in order.

    Raises:
        ConfigError: one was given.
    """
    for name in names:
        source = context.get_parameter_source(name)  # of typer's own copy of click, or of click
        if source is not None and source.name == "COMMANDLINE":
            raise ConfigError(
                f"--{name} says nothing of answers in order, which are fitted by one model, with"
                f" all concepts of an item needed; leave out --{name}, or --in-order"
            )


def fit_in_order(
    responses: Path,
    q_matrix: Path,
    out: Path,
    as_of: str | None,
    limit: dict[str, int],
    as_json: bool,
) -> None:
    """`kgplan diagnose fit --in-order`."""
    from kgplan.diagnosis import AgingConfig
    from kgplan.pipeline.in_order import run_fit_in_order
    from kgplan.pipeline.mastery import read_columns
    from kgplan.pipeline.responses import seconds_told

    zone = read_settings().zone
    moment, fault = (None, "") if as_of is None else seconds_told(as_of, zone)
    if fault:
        raise ConfigError(
            f"--as-of is {as_of!r}, which is no time; give one such as 2026-12-01 or"
            " 2026-12-01T18:00+08:00"
        )
    with progress_bar("diagnose fit") as progress:
        config = AgingConfig(**limit)  # type: ignore[arg-type]
        summary = run_fit_in_order(responses, q_matrix, out, config, zone, moment, progress)
    if as_json:
        print_json(summary)
        return
    then = f"mean mastery at {summary['as_of']}"
    of_concepts = {
        "concept": "concept_id",
        "prior": "prior",
        "learned at an answer": "learn",
        "learners with evidence": "n_learners",
        then: "mean_mastery",
    }
    of_items = {"item": "item_id", "guess": "guess", "slip": "slip", "answers": "n_responses"}
    for name, columns in (("concepts", of_concepts), ("items", of_items)):
        cells = read_columns(out / f"{name}.csv")
        ids, *figures = (cells[column] for column in columns.values())
        rows = list(zip(ids, *(map(_short, each) for each in figures), strict=True))
        console.print(table(name, tuple(columns), rows[:SHOWN]))
        if len(rows) > SHOWN:
            console.print(f"{len(rows) - SHOWN:,} more in {name}.csv", highlight=False)
    show_fit(summary, out)


def show_fit(summary: dict[str, Any], out: Path) -> None:
    """The figures of a fit, its notes, and where the rest is."""
    console.print(table("fit", ("what", "value"), fit_rows(summary)))
    for note in summary["notes"]:
        console.print(f"note: {escape(note)}", highlight=False, soft_wrap=True)
    console.print(f"results: {out}", highlight=False, soft_wrap=True)


@diagnose.command("calibrate")
def calibrate(
    share: Annotated[
        float, typer.Option(help="Share of each learner's time line that is held back.")
    ] = 0.2,
    least_views: Annotated[int, typer.Option(help="Views that a learner must have.")] = 5,
    seed: Annotated[int, typer.Option(help="Draws the zeros held back, and the resamples.")] = 0,
    resamples: Annotated[
        int, typer.Option(help="Resamples of learners behind each interval.", min=20)
    ] = 300,
    plot: Annotated[
        Path | None, typer.Option(help="SVG to write: how well the served model is calibrated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="JSON file to write, for `kgplan experiment page`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict held-back views: the model that is served, V-DINA, and simpler methods.

    The last share of each learner's views, and as large a share of the zeros, is held back.
    Every method is fitted to the rest. Intervals: 95 %, learners resampled.

    [bold]Examples:[/] kgplan diagnose calibrate · kgplan diagnose calibrate --json ·
    kgplan diagnose calibrate --plot calibration.svg
    """
    from kgplan.pipeline.calibrate import CalibrationConfig, run_calibrate

    report = run_alone(run_calibrate, CalibrationConfig(share, least_views, seed, resamples))
    if plot is not None:
        from kgplan.report.charts import alone
        from kgplan.report.diagnosis_page import reliability

        served = next(method for method in report.details["methods"] if method["served"])
        plot.write_text(alone(reliability(served)[0]), encoding="utf-8")
    if out is not None:
        asked = f"--share {share:g} --least-views {least_views} --seed {seed}"
        command = f"kgplan diagnose calibrate {asked} --resamples {resamples}"
        made = {"made": time.strftime("%Y-%m-%d", time.gmtime()), "command": command}
        write_json(out, {"made": made, **report.details})
    if as_json:
        print_json(report.to_dict())
        return
    split = report.details["split"]
    rows = [(name.replace("_", " "), value) for name, value in split.items()]
    console.print(table("held back", ("what", "value"), rows))
    headings = ("method", "Brier", "log-loss", "AUC", "calibration error", "what it does")
    console.print(table("held-back pairs", headings, calibration_rows(report.details["methods"])))


@diagnose.command("report")
def report_diagnosis(
    results: Annotated[
        Path | None,
        typer.Option(help="Folder that `kgplan diagnose fit` wrote; else the batch model in use."),
    ] = None,
    learner: Annotated[
        str | None, typer.Option(help="Learner to show before and after the views.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The page; diagnosis.html in the folder or in KGPLAN_HOME."),
    ] = None,
) -> None:
    """Write one HTML page: convergence, slip and guess, fit, calibration, mastery, a learner.

    [bold]Examples:[/] kgplan diagnose report · kgplan diagnose report --learner U_10002086 ·
    kgplan diagnose report --results results
    """
    from kgplan.pipeline.diagnosis_report import PAGE, find_in_home, find_in_results, to_html
    from kgplan.report.writing import write_page

    settings = read_settings()
    if results is None:
        findings = find_in_home(settings, learner)
    else:
        findings = find_in_results(results, learner)
    place = out or (results or settings.home) / PAGE
    write_page(to_html(findings), place)
    console.print(f"page: {place}", highlight=False, soft_wrap=True)


def calibration_rows(methods: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Each method's figures with their intervals.

    >>> calibration_rows([{"name": "coin", "says": "tosses", "brier": [0.25, 0.2, 0.3],
    ...     "log_loss": [0.693, 0.69, 0.7], "auc": [0.5, 0.5, 0.5], "ece": [0, 0, 0]}])[0][1]
    '0.250 (0.200 to 0.300)'
    """
    return [
        (
            method["name"],
            *(
                "{:z.3f} ({:z.3f} to {:z.3f})".format(*method[figure])
                for figure in ("brier", "log_loss", "auc", "ece")
            ),
            method["says"],
        )
        for method in methods
    ]


FIGURES = (
    *("learn", "prior_slope", "answer_slope", "log_likelihood", "aic", "bic", "srmsr"),
    *("m2", "m2_df", "m2_p", "rmsea2", "n_parameters", "iterations", "converged"),
    *("n_learners", "n_items", "n_concepts", "n_responses", "n_responses_later", "n_missing"),
)
"""Of fits, as they are shown; each fit has some of them."""


def fit_rows(summary: dict[str, Any]) -> list[tuple[str, Any]]:
    """The figures that a fit has, then what was kept out or says little, where there is any.

    >>> none = {"rejected": {}} | dict.fromkeys(LISTS, ())
    >>> fit_rows({"iterations": 7, "learn": 0.25, "notes": []} | none)
    [('learn', '0.250'), ('iterations', '7')]
    """
    rows = [(name, _shown(summary[name])) for name in FIGURES if name in summary]
    if "half_life_days" in summary:
        rows.insert(0, ("half_life_days", half_life_shown(summary)))
    return rows + findings_rows(summary)


def half_life_shown(summary: dict[str, Any]) -> str:
    """Days with their interval, or where they are from.

    >>> half_life_shown({"half_life_days": 61.2, "half_life_95": [49.1, 81.4],
    ...     "half_life_fitted": True})
    '61.2 (49.1 to 81.4)'
    >>> half_life_shown({"half_life_days": 73213.1, "half_life_95": [1806.2, None],
    ...     "half_life_fitted": True})
    '73,213.1 (1,806.2 to never)'
    >>> half_life_shown({"half_life_days": 730.0, "half_life_95": None, "half_life_fitted": False})
    '730.0 (stated, not fitted)'
    """
    told = _days(summary["half_life_days"])
    if not summary["half_life_fitted"]:
        return f"{told} (stated, not fitted)"
    if summary["half_life_95"] is None:
        return f"{told} (no interval)"
    low, high = map(_days, summary["half_life_95"])
    return f"{told} ({low} to {high})"


def _days(value: float | None) -> str:
    return "never" if value is None else f"{value:,.1f}"


def _short(text: str) -> str:
    """A figure of a file for a table: a share with three digits.

    >>> _short("0.123456"), _short("1e-07"), _short("41"), _short("")
    ('0.123', '0.000', '41', 'not defined')
    """
    return f"{float(text):.3f}" if text and not text.isdigit() else text or "not defined"


LISTS = (
    *("items_without_concepts", "items_without_responses", "constant_items"),
    *("concepts_without_items", "learners_without_responses", "unknown_items"),
    "concepts_not_told_apart",
)
"""Of ids, in a fit: what says little."""


def findings_rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """What was kept out or says little, where there is any."""
    rows = [(f"rejected: {reason}", str(n)) for reason, n in summary["rejected"].items()]
    for name in LISTS:
        if ids := summary[name]:
            more = ", ..." if len(ids) > 5 else ""
            rows.append((name.replace("_", " "), f"{len(ids)}: {', '.join(ids[:5])}{more}"))
    return rows


def _shown(value: Any) -> str:
    """A figure of a fit as text.

    >>> _shown(-3455.7615), _shown(-1e-16), _shown(None), _shown(True), _shown(536)
    ('-3,455.762', '0.000', 'not defined', 'yes', '536')
    """
    if value is None:
        return "not defined"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:z,.3f}" if isinstance(value, float) else f"{value:,}"


def sparkline(values: Sequence[float]) -> str:
    """A curve in one line of text.

    >>> sparkline([0, 1, 2, 3])
    '▁▃▆█'
    """
    low, high = min(values), max(values)
    steps = "▁▂▃▄▅▆▇█"
    return "".join(steps[round((v - low) / ((high - low) or 1) * (len(steps) - 1))] for v in values)
