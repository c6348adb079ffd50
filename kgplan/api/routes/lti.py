"""The operations by which a learning platform opens the explorer; there where one is registered.

Browsers ask them, on the platform's behalf: no tokens, no description. They answer with pages and
redirections; what is wrong is a problem as everywhere, which a browser gets in the explorer's page.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from html import escape
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from kgplan.api.explorer import handing_over
from kgplan.api.headers import page_policy
from kgplan.api.lti.messages import Launch
from kgplan.api.lti.tool import LOGIN_SECONDS, Tool
from kgplan.api.models import Problem
from kgplan.api.operation import Asked
from kgplan.api.problems import TYPE, problem_of
from kgplan.api.routes.events import rules_of
from kgplan.api.telemetry.context import context_of
from kgplan.data.content import digest
from kgplan.data.events import Event, usable_id
from kgplan.data.identity import Agent
from kgplan.errors import KgplanError, LaunchRefused, UnknownCourse, UnknownLearner
from kgplan.store.events.sent import Sent

FIELDS = 100  # of a form, at most
FORM = "application/x-www-form-urlencoded"
SHARED = {"Cache-Control": "public, max-age=300"}
OURS = "Path=/; HttpOnly; Secure; SameSite=None; Partitioned"  # a cookie of an embedded page


class OpenedRoute(APIRoute):
    """Tells a person what is wrong by the explorer's page, and a program by a problem."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except KgplanError as error:
                if "text/html" not in request.headers.get("accept", ""):
                    raise
                return problem_page(request, problem_of(error))

        return told


router = APIRouter(include_in_schema=False, route_class=OpenedRoute)


@router.api_route("/lti/login", methods=["GET", "POST"])
async def login(request: Request) -> Response:
    """Send a browser on to the platform that sent it, to say whose it is."""
    begun = tool_of(request).login(await fields_of(request))
    response = RedirectResponse(begun.address, 302)
    age = int(LOGIN_SECONDS)
    response.headers["Set-Cookie"] = f"{begun.cookie}={begun.secret}; Max-Age={age}; {OURS}"
    return response


@router.post("/lti/launch")
async def launch(request: Request) -> Response:
    """Open the explorer for whom the platform says this is."""
    asked, tool, posted = Asked(request), tool_of(request), await fields_of(request)
    learners = asked.current_learners

    async def use_once(nonce: str, until: float) -> bool:
        return await asyncio.wrap_future(learners.store.use_once(nonce, time.time(), until))

    proven = await tool.launch(posted, request.cookies, request.headers.get("origin"), use_once)
    learner_id = await learner_of(asked, proven)
    course_id = proven.course(rules_of(asked).ids, asked.served.planner.graph.courses)
    handed = {"token": tool.token(proven, learner_id)}
    if proven.choosing is not None:
        handed |= {"ticket": tool.ticket(proven, proven.choosing), "address": "#/choose"}
    else:
        handed["address"] = address_of(proven, learner_id, course_id)
        if not proven.reaches_every_learner:
            await make_known(asked, learner_id, course_id)
    framed_by = tool.registrations.origins
    return handing_over(request.app.state.start_page, handed, framed_by)


@router.post("/lti/deep-links")
async def answer_choice(request: Request) -> Response:
    """Take to the platform what was chosen; nothing, where no course is named."""
    asked, tool, posted = Asked(request), tool_of(request), await fields_of(request)
    choice = tool.choice(posted.get("ticket", ""))
    course, course_id = None, posted.get("course_id")
    if course_id:
        graph = asked.served.planner.graph
        course = course_id, str(graph.course_names[graph.courses.place(course_id, UnknownCourse)])
    return forwarding_page(choice["return_url"], tool.answer(choice, course), tool)


@router.get("/lti/jwks")
async def read_keys(request: Request) -> Response:
    """Our public key."""
    return JSONResponse({"keys": [tool_of(request).key.public]}, headers=SHARED)


@router.get("/lti/config")
async def read_configuration(request: Request) -> Response:
    """What platforms register us by."""
    return JSONResponse(tool_of(request).configuration(), headers=SHARED)


def tool_of(request: Request) -> Tool:
    """What the application was made with."""
    tool: Tool = request.app.state.lti
    return tool


def problem_page(request: Request, problem: Problem) -> Response:
    """A problem in the explorer's page; counted as its JSON would be."""
    context = context_of(request.scope)
    if context is not None:
        context.problem = problem.type.removeprefix(TYPE)
    handed = {"problem": problem.model_dump(), "address": "#/refused"}
    framed_by = tool_of(request).registrations.origins
    page = handing_over(request.app.state.start_page, handed, framed_by)
    page.status_code = problem.status
    return page


async def fields_of(request: Request) -> dict[str, str]:
    """The parameters of a request, in its address or its form.

    Raises:
        LaunchRefused: it is no form, or names one twice.
    """
    text = request.url.query
    if request.method == "POST":
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != FORM:
            raise LaunchRefused(f"it is not sent as {FORM}")
        text = (await request.body()).decode("latin-1")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELDS)
    except ValueError:
        raise LaunchRefused("its form cannot be read") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise LaunchRefused("a field is sent twice")
    return fields


async def learner_of(asked: Asked, proven: Launch) -> str:
    """The learner's id in our records, by the rule of all who name learners.

    Raises:
        LaunchRefused: the platform's name for this person can be no id.
        RecordsUnavailable: it cannot be written whose names are ids as they are.
    """
    authority = proven.platform.authority
    owners = rules_of(asked).owners or await asked.current_learners.plain_owners(authority)
    learner_id = Agent(authority, proven.name).learner_id(owners)
    if not usable_id(learner_id):
        raise LaunchRefused("the platform's name for this person can be no id here")
    return learner_id


async def make_known(asked: Asked, learner_id: str, course_id: str | None) -> None:
    """Note the first visit of a learner of whom nothing is known, so that there is a path."""
    learners, planner = asked.current_learners, asked.served.planner
    course_id = course_id if course_id in planner.graph.courses else None
    try:
        await run_in_threadpool(learners.check, planner, learner_id)
    except UnknownLearner:
        event = Event(f"lti:{uuid4()}", learner_id, time.time(), course_id=course_id)
        content = {"learner_id": learner_id, "event_id": event.event_id, "course_id": course_id}
        sent = Sent(event, "event", content, digest(content), stamped=True)
        await asyncio.wrap_future(learners.store.submit([sent]))


def address_of(proven: Launch, learner_id: str, course_id: str | None) -> str:
    """The view to open, as src/router.ts writes it."""
    who = "" if proven.reaches_every_learner else f"/{quote(learner_id, safe='')}"
    goal = "" if course_id is None else f"?{urlencode({'course': course_id})}"
    return f"#/learner{who}{goal}"


def forwarding_page(return_url: str, message: str, tool: Tool) -> Response:
    """A page that posts a message to a platform; by a button where scripts do not run."""
    html = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>kgplan</title>'
        f'<form method="post" action="{escape(return_url)}">'
        f'<input type="hidden" name="JWT" value="{escape(message)}">'
        "<noscript><button>Continue · 继续</button></noscript></form>"
        "<script>document.forms[0].submit()</script></html>"
    )
    # where the platform leads on from its return address is its own matter
    policy = page_policy(html, framed_by=tool.registrations.origins, forms="*")
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})
