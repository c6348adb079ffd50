"""The service as `kgplan serve` runs it: settings in, application out."""

import gc
from contextlib import suppress
from dataclasses import replace
from itertools import product

from fastapi import FastAPI

from kgplan.adjusting import Rules, read_rules, usual_rules
from kgplan.api.adjuster import Adjuster
from kgplan.api.administration import Administration
from kgplan.api.app import create_app
from kgplan.api.audit import AuditLog
from kgplan.api.jobs import Jobs
from kgplan.api.keeper import Keeper
from kgplan.api.limits import Limits
from kgplan.api.lti.tool import Tool
from kgplan.api.security import Security
from kgplan.api.statements import StatementRules
from kgplan.api.telemetry.logs import LineSink
from kgplan.api.telemetry.middleware import Telemetry
from kgplan.api.telemetry.tracing import Tracing, span
from kgplan.api.tokens import ByIssuer
from kgplan.data.links import Links
from kgplan.errors import KgplanError
from kgplan.graph.definition import Definitions, read_abouts
from kgplan.model.current import CurrentLearners
from kgplan.model.experiments import running_experiment
from kgplan.model.reviews import ReviewRules
from kgplan.model.running import RunningPlans
from kgplan.planning import Planner, PlanOptions
from kgplan.planning.planners import planners
from kgplan.settings import Settings
from kgplan.store.events import open_events
from kgplan.store.events.dead import DeadLimits
from kgplan.store.files import close_to_others

COURSES = 10  # planned for to warm up; some may have nothing to plan


def make_service(settings: Settings, keeper: Keeper, lines: LineSink | None = None) -> FastAPI:
    """The application with all its parts, as the settings say; it closes them when it stops.

    Args:
        settings: read from the environment.
        keeper: holds the planner that answers.
        lines: writes a line about each request (`set_up_logging`); none are written where None.

    Raises:
        ConfigError, RecordsUnavailable: the learner records or the audit log cannot be opened,
            it is not said who may ask, or the experiment's file is wrong.
        MissingExtra: traces are wanted, and OpenTelemetry is not installed.
    """
    experiment = running_experiment(settings)
    tracing = Tracing(settings.otlp, settings.trace_share) if settings.otlp else None
    telemetry = Telemetry(lines=lines, tracing=tracing)
    lti = Tool.of(settings)
    security = Security.of(settings)
    if lti is not None and security.verifier is not None:
        verifier = ByIssuer({lti.issuer: lti.verifier}, security.verifier)
        security = replace(security, verifier=verifier)
    close_home_to_others(settings)
    rules, links = StatementRules.of(settings), Links.of(settings.links)
    audit_log = AuditLog(settings.audit_path)
    records = open_events(
        settings.records_url,
        settings.history_bytes,
        span,
        DeadLimits.of(settings),
    )
    learners = CurrentLearners(records, settings.kept_learners)
    keeper.prepare(warm_up)
    keeper.prepare(learners.prepare)
    gc.collect()
    # what stays is not looked through again by every full collection, which would stop all requests
    keeper.prepare(lambda planner: gc.freeze())

    running = RunningPlans(learners, rules_of(settings))
    adjuster = None
    if settings.adjust:
        adjuster = Adjuster(running, lambda: keeper.served.planner, settings.adjust)

    def close() -> None:
        records.close()
        audit_log.close()

    return create_app(
        keeper,
        Limits.of(settings),
        learners,
        at_end=close,
        audit_log=audit_log,
        administration=Administration(Jobs(settings)),
        telemetry=telemetry,
        security=security,
        browser=settings.browser_url,
        links=links,
        definitions=Definitions.of_graph(settings.graph_url, settings.graph_access),
        abouts=Definitions.of_graph(settings.graph_url, settings.graph_access, read_abouts),
        statement_rules=rules,
        review_rules=ReviewRules.of(settings),
        lti=lti,
        experiment=experiment,
        running=running,
        adjuster=adjuster,
    )


def rules_of(settings: Settings) -> Rules:
    """The rules by which running plans change; errors as for `read_rules`."""
    file = settings.adjust_rules
    return usual_rules() if file is None else read_rules(file)


def close_home_to_others(settings: Settings) -> None:
    """Take everybody else's rights to what holds learners' data in a home that is there already."""
    home = settings.home
    files = [home / "lti.pem", *(home / f"learners.db{end}" for end in ("", "-wal", "-shm"))]
    folders = [home / "serving", home / "jobs", *settings.artifacts.glob("[!.]*/")]
    for each in (*files, settings.audit_path, *folders):
        if each.is_file() or each.is_dir():  # an audit log may be a pipe
            close_to_others(each)


def warm_up(planner: Planner) -> None:
    """Plan and explain with every planner, so that requests find all that is compiled loaded."""
    with suppress(KgplanError):  # an empty model plans nothing
        for name, course_id in product(planners(), planner.graph.course_ids[:COURSES].tolist()):
            planner.explain(planner.plan("", course_id, PlanOptions(1, planner=name)))
