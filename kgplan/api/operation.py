"""How does a request reach its operation, and the answer its client? One way for all.

FastAPI describes the operations; answering is done here, as FastAPI looks at each parameter of each
request anew and solves dependencies, which takes longer than a plan. An operation is a coroutine;
what has to wait for files or databases, or computes for long, does so in a thread (`in_thread`).
"""

import json
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Annotated, Any, ParamSpec, TypeVar, get_args, get_origin

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, create_model
from starlette.concurrency import run_in_threadpool
from starlette.routing import request_response

from kgplan.adjusting import usual_rules
from kgplan.api.administration import Administration
from kgplan.api.answers import Answer, AnswerCache, State, Words, matches, response_of
from kgplan.api.keeper import Keeper, Served
from kgplan.api.learner_states import LearnerStates
from kgplan.api.limits import Limits
from kgplan.api.models import Problem
from kgplan.api.security import Required
from kgplan.api.telemetry.metrics import Metrics
from kgplan.api.tokens import Access, access_of
from kgplan.data.events import usable_id
from kgplan.data.links import Links
from kgplan.errors import InputError, KgplanError, MediaRefused, RecordsUnavailable
from kgplan.graph.definition import Definitions
from kgplan.model.current import AtOnce, CurrentLearners
from kgplan.model.recommending import Recommenders
from kgplan.model.reviews import ReviewRules
from kgplan.model.running import RunningPlans
from kgplan.planning.experiment import Experiment

P = ParamSpec("P")
R = TypeVar("R")
JSON = "application/json"
NEAR_FOR = 10  # unknown options of a request whose near names are looked for
MEDIA = ("image/", "audio/", "video/")
UNSENT = object()
PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "no such thing, with close matches"},
    422: {"model": Problem, "description": "a parameter is missing, unknown or out of its range"},
    413: {"model": Problem, "description": "the body or the batch is too large"},
    415: {"model": Problem, "description": "the body is a picture, a sound or a film"},
    429: {"model": Problem, "description": "too many requests; see Retry-After"},
    503: {"model": Problem, "description": "the graph or the model cannot be read, or time is up"},
}
RARE: dict[int | str, dict[str, Any]] = {
    412: {"model": Problem, "description": "it was changed since it was read"},
    409: {"model": Problem, "description": "it contradicts what there is; `type` says how"},
    501: {"model": Problem, "description": "a part of kgplan is not installed"},
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "If-None-Match names the answer as it still is"}
}
"""What an operation declares that gives an `Answer`, to be kept for requests of the same words."""


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an operation may answer with; 422, 429 and 503 are everyone's."""
    return {status: (PROBLEMS | RARE)[status] for status in (*statuses, 429, 503)}


def in_thread(operation: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """The operation for one that waits for files or databases, or computes for long."""

    @wraps(operation)
    async def waiting(*args: P.args, **kwargs: P.kwargs) -> R:
        return await run_in_threadpool(operation, *args, **kwargs)

    return waiting


class Asked(Request):
    """A request to an operation, and all that it is answered from.

    Attributes:
        served: the planner that answers, whatever is renewed meanwhile.
        known: what is at hand of the learner in the address of an operation whose answers are kept.
        answer_headers: of the answer, beside its own.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(request.scope, request.receive)
        self.served: Served = self.keeper.served
        self.known: AtOnce | None = None
        self.answer_headers: dict[str, str] = {}
        self._depends_on: State | None = None

    @property
    def access(self) -> Access:
        """What the sender may do."""
        return access_of(self.scope)

    @property
    def keeper(self) -> Keeper:
        """Renews the planner."""
        keeper: Keeper = self.app.state.keeper
        return keeper

    @property
    def learners(self) -> LearnerStates:
        """What is known of learners beside the planner's own data."""
        learners: LearnerStates = self.app.state.learners
        return learners

    @property
    def current_learners(self) -> CurrentLearners:
        """The same where records are kept.

        Raises:
            RecordsUnavailable: none are.
        """
        learners = self.learners
        if isinstance(learners, CurrentLearners):
            return learners
        raise RecordsUnavailable(
            "this service keeps no learner records; start it with `kgplan serve`"
        )

    @property
    def review_rules(self) -> ReviewRules:
        """When something is due again."""
        rules: ReviewRules = self.app.state.review_rules
        return rules

    @property
    def running(self) -> RunningPlans:
        """The plans that learners are at work on; errors as for `current_learners`."""
        running: RunningPlans | None = self.app.state.running
        return running or RunningPlans(self.current_learners, usual_rules())

    @property
    def answers(self) -> AnswerCache:
        """Recent answers."""
        answers: AnswerCache = self.app.state.answers
        return answers

    @property
    def limits(self) -> Limits:
        """What a client may ask for."""
        limits: Limits = self.app.state.limits
        return limits

    @property
    def metrics(self) -> Metrics:
        """What is counted."""
        metrics: Metrics = self.app.state.metrics
        return metrics

    @property
    def links(self) -> Links:
        """Addresses of what to open."""
        links: Links = self.app.state.links
        return links

    @property
    def experiment(self) -> Experiment | None:
        """What is tried on learners; None where nothing is."""
        experiment: Experiment | None = self.app.state.experiment
        return experiment

    @property
    def definitions(self) -> Definitions:
        """What concepts are."""
        definitions: Definitions = self.app.state.definitions
        return definitions

    @property
    def recommenders(self) -> Recommenders:
        """What courses are recommended by."""
        recommenders: Recommenders = self.app.state.recommenders
        return recommenders

    @property
    def home(self) -> Administration | None:
        """The home that is administrated; None where the service was made around a planner."""
        home: Administration | None = self.app.state.administration
        return home

    @property
    def administration(self) -> Administration:
        """The home that is administrated.

        Raises:
            HTTPException: 404, there is none.
        """
        if self.home is None:
            raise HTTPException(404, "this service was made around a planner, without a home")
        return self.home

    @property
    def words(self) -> Words:
        """How it is worded."""
        return self.scope["path"], self.scope["query_string"]

    def held(self) -> Answer | None:
        """The answer to a request of the same words, if it still holds."""
        planner, version = self.served.planner, ""
        learner_id = self.path_params.get("learner_id")
        if learner_id is not None:
            try:
                self.known = self.learners.at_once(planner, learner_id)
            except KgplanError:  # told by the operation, which asks again
                return None
            if self.known is None:
                return None
            version = self.known.version
        served = self.served
        versions = planner.graph.version, planner.model_version, served.mark
        self._depends_on = *versions, served.stale, served.since, version
        return self.answers.held(self.words, self._depends_on)

    def hold(self, answer: Answer) -> None:
        """Keep an answer for requests of the same words."""
        if self._depends_on is not None:
            self.answers.hold(self.words, self._depends_on, answer)

    def answer(
        self, etag: str, make: Callable[[], tuple[bytes, str]], about: str = "", on: Any = None
    ) -> Answer:
        """An answer, kept or made; without its body where the client has it already.

        Args: see `AnswerCache.get`.
        """
        if matches(self.headers.get("if-none-match", ""), etag):
            return Answer(etag, b"", about=about)
        return self.answers.get(etag, make, about, on)


class Operation(APIRoute):
    """A route that FastAPI describes, and whose requests are answered here.

    Raises:
        TypeError: its function would wait in the event loop, or asks for what is not read here.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # FastAPI's own keeps stacks of what dependencies have to close; there are none
        self.app = request_response(self.get_route_handler())

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request: sender, words, parameters, operation, answer."""
        if not iscoroutinefunction(self.endpoint):
            raise TypeError(f"{self.name} is no coroutine; make it `async def`, or `@in_thread`")
        required = [each.call for each in self.dependant.dependencies]
        checks = [each for each in required if isinstance(each, Required)]
        if len(checks) < len(required) or self.dependant.cookie_params:
            raise TypeError(f"{self.name} depends on something; take it from `Asked`")
        read, write = Reader(self.dependant), self.writer()
        operation, takes = self.endpoint, self.dependant.request_param_name
        kept = 304 in self.responses

        async def handle(request: Request) -> Response:
            asked = Asked(request)
            for check in checks:
                await check(asked)
            if kept and all(map(usable_id, asked.path_params.values())):
                held = asked.held()
                if held is not None:
                    return response_of(asked, held)
            try:
                values = await read(asked)
                if takes:
                    values[takes] = asked
                told = await operation(**values)
            except (RequestValidationError, InputError) as error:
                await self.refused(asked, error)
                raise
            if isinstance(told, Answer):
                asked.hold(told)
                return response_of(asked, told)
            return told if isinstance(told, Response) else write(asked, told)

        return handle

    async def refused(self, asked: Asked, error: Exception) -> None:
        """What is done about a request that is refused for what it holds: nothing more."""

    def writer(self) -> Callable[[Asked, Any], Response]:
        """Writes what the operation returns."""
        status = self.status_code or 200
        to_json = partial(
            TypeAdapter(self.response_model or Any).dump_json,
            by_alias=True,
            exclude_none=self.response_model_exclude_none,
        )
        return lambda asked, told: Response(
            to_json(told), status, asked.answer_headers, media_type=JSON
        )


router_of = partial(
    APIRouter,
    route_class=Operation,
    generate_unique_id_function=lambda route: route.name,
    responses={422: PROBLEMS[422]},
)
"""A router of operations; in generated clients they are named as their functions."""


@dataclass(frozen=True)
class Part:
    """The parameters in one part of a request.

    Attributes:
        place: `path`, `query` or `header`.
        model: checks them.
        names: of them, as they are sent.
        lists: those that may be sent several times.
        whole: the operation's parameter that takes all together; empty where each is one.
    """

    place: str
    model: type[BaseModel]
    names: tuple[str, ...]
    lists: frozenset[str]
    whole: str

    @classmethod
    def of(cls, place: str, fields: Sequence[Any]) -> "Part":
        """The part with the parameters that FastAPI has found in a signature."""
        (model, whole) = (fields[0].field_info.annotation, fields[0].name)
        if len(fields) > 1 or not (isinstance(model, type) and issubclass(model, BaseModel)):
            described: dict[str, Any] = {
                each.name: (
                    type_of(each, each.alias),
                    ... if each.field_info.is_required() else each.default,
                )
                for each in fields
            }
            model, whole = create_model(place, **described), ""
        found = {each.alias or name: each for name, each in model.model_fields.items()}
        lists = (name for name, each in found.items() if get_origin(each.annotation) is list)
        return cls(place, model, tuple(found), frozenset(lists), whole)

    def read(self, asked: Asked) -> dict[str, Any]:
        """The operation's parameters that stand here.

        Raises:
            ValidationError: one is missing or wrong.
        """
        sent: Any = asked.path_params if self.place == "path" else asked.headers
        if self.place == "query":
            sent = asked.query_params
        given = {
            name: sent.getlist(name) if name in self.lists else sent[name]
            for name in self.names
            if name in sent
        }
        found = self.model.model_validate(given)
        return {self.whole: found} if self.whole else vars(found)


def type_of(field: Any, alias: str | None = None) -> Any:
    """A parameter that FastAPI has found, as pydantic takes it."""
    info = field.field_info
    return Annotated[(info.annotation, *info.metadata, Field(alias=alias))]


class Reader:
    """Reads the parameters of an operation out of requests, all at once; there are no others.

    Raises:
        TypeError: a model of the body passes over what it does not know.
    """

    def __init__(self, dependant: Dependant) -> None:
        places = {
            "path": dependant.path_params,
            "query": dependant.query_params,
            "header": dependant.header_params,
        }
        self.parts = [Part.of(place, fields) for place, fields in places.items() if fields]
        self.options = [n for part in self.parts if part.place == "query" for n in part.names]
        self.body: tuple[str, TypeAdapter[Any]] | None = None
        self.of_body: Any = None
        for each in dependant.body_params:
            self.of_body = type_of(each)
            self.body = each.name, TypeAdapter(self.of_body)
            check_strict(self.of_body)

    async def __call__(self, asked: Asked) -> dict[str, Any]:
        """The parameters by name.

        Raises:
            RequestValidationError: with all that is wrong.
            MediaRefused: a picture, a sound or a film was sent; it is not read.
        """
        if (kind := kind_of(asked)).startswith(MEDIA):
            raise MediaRefused(kind)
        sent = UNSENT if self.body is None else await sent_in(asked)
        values: dict[str, Any] = {}
        wrong: list[Any] = []
        for part in self.parts:
            try:
                values |= part.read(asked)
            except ValidationError as error:
                wrong += located(error, part.place)
        if asked.scope["query_string"]:
            unknown = [name for name in asked.query_params if name not in self.options]
            wrong += [extra(("query", name)) for name in unknown]
        if self.body is not None and sent is UNSENT:
            wrong.append({"type": "missing", "loc": ("body",), "msg": "Field required"})
        elif self.body is not None:
            name, adapter = self.body
            try:
                values[name] = adapter.validate_python(sent, from_attributes=True)
            except ValidationError as error:
                wrong += located(error, "body")
        if wrong:
            raise RequestValidationError(self.told(wrong))
        return values

    def told(self, wrong: list[Any]) -> list[Any]:
        """What is wrong, with the names that an unknown option may have been meant as."""
        unknown = [each for each in wrong if each["type"] == EXTRA]
        for each in unknown[:NEAR_FOR]:
            place, *inside, name = each["loc"]
            known = self.options if place == "query" else names_in(self.of_body, inside)
            each["msg"] = unknown_option(name, known)
        return wrong


EXTRA = "extra_forbidden"
"""Pydantic's name for a field that a model does not have."""


def extra(loc: tuple[str, ...]) -> dict[str, Any]:
    """That an option is unknown, as pydantic says it."""
    return {"type": EXTRA, "loc": loc, "msg": "Extra inputs are not permitted"}


def unknown_option(name: str, known: Sequence[str]) -> str:
    """The sentence that there is no such option, with a way out.

    >>> unknown_option("lenght", ["length", "language"])
    "unknown option 'lenght'; did you mean 'length'?"
    >>> unknown_option("x", ["text", "limit"]), unknown_option("x", [])
    ("unknown option 'x'; there are text, limit", "unknown option 'x'; there is none here")
    """
    shown = repr(name if len(name) <= 40 else name[:39] + "…")
    near = get_close_matches(name[:40], known, n=1)
    if near:
        return f"unknown option {shown}; did you mean {near[0]!r}?"
    there = f"there are {', '.join(known)}" if known else "there is none here"
    return f"unknown option {shown}; {there}"


def names_in(hint: Any, inside: Sequence[str | int]) -> list[str]:
    """The fields of the model that stands at a place in a value of a type."""
    for part in inside:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        hint = get_args(hint)[0] if isinstance(part, int) else hint.model_fields[part].annotation
    return list(hint.model_fields)


def check_strict(hint: Any) -> None:
    """Refuse a type of bodies that would pass over a misspelled field.

    Raises:
        TypeError: with the model in it that would.
    """
    for part in get_args(hint):
        check_strict(part)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        if hint.model_config.get("extra") != "forbid":
            raise TypeError(f"{hint.__name__} takes what it does not know; let it forbid extra")
        for field in hint.model_fields.values():
            check_strict(field.annotation)


def located(error: ValidationError, place: str) -> Iterator[dict[str, Any]]:
    """What is wrong, with the part of the request where it stands."""
    for each in error.errors(include_url=False):
        yield {**each, "loc": (place, *each["loc"])}


def kind_of(asked: Request) -> str:
    """What a request's body is said to be, without parameters; empty where nothing is said."""
    return asked.headers.get("content-type", "").partition(";")[0].strip().lower()


async def sent_in(asked: Request) -> Any:
    """The value in a request's body; its bytes where it is not called JSON; `UNSENT` without one.

    Raises:
        RequestValidationError: it is no JSON, with the place.
        HTTPException: 400, it is no text.
    """
    body = await asked.body()
    if not body:
        return UNSENT
    kind = kind_of(asked)
    if kind != JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        return body
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        wrong = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error"}
        raise RequestValidationError([wrong]) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, "There was an error parsing the body") from None
