"""The application: routes, error answers and the page, around one keeper."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from kgplan import __version__
from kgplan.api.adjuster import Adjuster
from kgplan.api.administration import Administration
from kgplan.api.answers import AnswerCache
from kgplan.api.audit import AuditLog
from kgplan.api.bodies import BodyMiddleware
from kgplan.api.description import describe_with_examples, show_description
from kgplan.api.explorer import serve_explorer
from kgplan.api.headers import HeadersMiddleware
from kgplan.api.keeper import Keeper
from kgplan.api.learner_states import LearnerStates, NothingMore
from kgplan.api.limits import Limits, LimitsMiddleware, RateMiddleware
from kgplan.api.lti.tool import Tool
from kgplan.api.problems import add_problem_handlers
from kgplan.api.routes import ROUTERS, events
from kgplan.api.routes import lti as routes_lti
from kgplan.api.routes.graph import Indexes
from kgplan.api.security import ACROSS_ORIGINS, AccessMiddleware, Security, check_operations
from kgplan.api.statements import StatementRules
from kgplan.api.telemetry.metrics import Sources
from kgplan.api.telemetry.middleware import Telemetry, TelemetryMiddleware
from kgplan.api.telemetry.readiness import Readiness
from kgplan.data.links import Links
from kgplan.graph.definition import Definitions
from kgplan.model.recommending import Recommenders
from kgplan.model.reviews import ReviewRules
from kgplan.model.running import RunningPlans
from kgplan.planning.experiment import Experiment


def create_app(
    keeper: Keeper,
    limits: Limits | None = None,
    learners: LearnerStates | None = None,
    at_end: Callable[[], None] = lambda: None,
    *,
    audit_log: AuditLog | None = None,
    telemetry: Telemetry | None = None,
    administration: Administration | None = None,
    security: Security | None = None,
    browser: str = "",
    links: Links | None = None,
    definitions: Definitions | None = None,
    abouts: Definitions | None = None,
    statement_rules: StatementRules | None = None,
    review_rules: ReviewRules | None = None,
    lti: Tool | None = None,
    experiment: Experiment | None = None,
    running: RunningPlans | None = None,
    adjuster: Adjuster | None = None,
) -> FastAPI:
    """Make the HTTP service.

    Args:
        keeper: holds the planner that answers; it watches while the service runs.
        limits: what a client may ask for; the defaults where None.
        learners: what is known of learners beside the planner's data; nothing where None.
        audit_log: where administration, export and erasure are noted; nowhere where None.
        security: how it finds out who asks; nobody is asked where None, as in tests.
        telemetry: where requests are counted and told; counted only where None.
        administration: the home whose models and jobs are administrated; none where None.
        statement_rules: how xAPI statements are taken; the defaults where None.
        review_rules: when something is due again; the defaults where None.
        browser: address of Neo4j Browser; empty where the graph is in the embedded database.
        links: addresses of what to open; nothing has one where None.
        definitions: what concepts are, which planners do not know; not told where None.
        abouts: what is said of courses, for recommendations; their names alone where None.
        lti: us as learning platforms know us; none may open the explorer where None.
        experiment: gives learners to planners; every path is planned as asked for where None.
        running: the plans that learners are at work on; by the usual rules where None.
        adjuster: looks at these while the service runs; nobody does where None.
        at_end: called when the service has stopped, to close what it was made with.
    """
    limits = limits or Limits()
    learners = learners or NothingMore()
    telemetry = telemetry or Telemetry()
    security = security or Security()
    answers = AnswerCache(limits.cached_answers, limits.answer_bytes)
    readiness = Readiness(learners)
    sources = Sources(keeper, answers, learners, readiness)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # none of an earlier planner, which may have been made again because it was damaged
        keeper.prepare(lambda _: answers.clear())
        keeper.start()
        if adjuster is not None:
            adjuster.start()
        async with telemetry.at_work(sources):
            yield
        if adjuster is not None:
            adjuster.stop()
        keeper.stop()
        at_end()

    app = FastAPI(
        lifespan=lifespan,
        title="kgplan",
        version=__version__,
        summary="What should this learner learn next in this course, in what order, and why.",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        # its spans hold addresses, with the ids of learners; ours do not (`Tracing`)
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.keeper = keeper
    app.state.limits = limits
    app.state.browser = browser
    app.state.links = links or Links()
    app.state.definitions = definitions or Definitions()
    app.state.recommenders = Recommenders(abouts or Definitions())
    app.state.indexes = Indexes()
    app.state.answers = answers
    app.state.learners = learners
    app.state.readiness = readiness
    app.state.metrics, app.state.sources = telemetry.metrics, sources
    app.state.statement_rules = statement_rules or StatementRules()
    app.state.review_rules = review_rules or ReviewRules()
    app.state.experiment = experiment
    app.state.running = running
    app.state.audit = audit_log
    app.state.administration = administration
    app.add_middleware(BodyMiddleware)
    app.add_middleware(LimitsMiddleware, limits=limits)
    app.add_middleware(AccessMiddleware, security=security)
    if limits.per_second:
        app.add_middleware(RateMiddleware, limits=limits)
    app.add_middleware(events.XapiVersion)
    if security.origins:
        app.add_middleware(CORSMiddleware, allow_origins=security.origins, **ACROSS_ORIGINS)
    framed_by = lti.registrations.origins if lti else ()
    app.add_middleware(HeadersMiddleware, framed_by=framed_by)
    if security.hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=security.hosts, www_redirect=False)
    app.add_middleware(TelemetryMiddleware, telemetry=telemetry, readiness=readiness)
    app.state.lti = lti
    routers = [*ROUTERS, *([routes_lti.router] if lti else [])]
    for each in routers:  # of an included router every route would be matched twice
        app.router.routes.extend(each.routes)
    add_problem_handlers(app)
    describe_with_examples(app)
    show_description(app)
    serve_explorer(app, framed_by)
    check_operations(app)
    return app
