"""Requests reach operations one way; FastAPI, whose reading they do without, says what is right."""

from typing import Annotated, Literal
from urllib.parse import parse_qs

import pytest
from fastapi import Depends, FastAPI, Header, Query
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from planning_cases import hand_case
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from kgplan.api.app import create_app
from kgplan.api.ids import Id
from kgplan.api.keeper import Keeper
from kgplan.api.operation import Asked, Operation, in_thread
from kgplan.api.security import operations


class Wanted(BaseModel):
    size: int = Field(4, ge=1, le=50)
    names: list[Id] = Field(default=[], max_length=2)
    share: Annotated[float, Field(allow_inf_nan=False)] | None = None
    kind: Literal["a", "b"] = "a"
    loud: bool = False


class Part(BaseModel, extra="forbid"):
    weight: float = 1.0


class Body(BaseModel, extra="forbid"):
    id: Id
    count: int = 0
    parts: list[Part] = []


async def by_model(id: Id, wanted: Annotated[Wanted, Query()]):
    return {"id": id, "wanted": wanted}


async def one_by_one(
    id: Id,
    size: Annotated[int, Query(ge=1)],
    names: Annotated[list[Id], Query()] = [],  # noqa: B006
    other: Annotated[str | None, Query(alias="otherName")] = None,
    said: Annotated[str | None, Header(alias="X-Said")] = None,
):
    return {"id": id, "size": size, "names": names, "other": other, "said": said}


async def without(id: Id):
    return {"id": id}


async def with_body(id: Id, body: Body, size: int = 3):
    return {"id": id, "body": body, "size": size}


@pytest.fixture(scope="module")
def clients():
    """The same operations answered by FastAPI, and by us."""

    def made(route_class):
        app = FastAPI()
        app.state.keeper = Keeper(lambda: None, lambda: "")
        endpoints = {"model": by_model, "one": one_by_one, "body": with_body, "none": without}
        for path, endpoint in endpoints.items():
            app.router.add_api_route(
                f"/{path}/{{id:path}}",
                endpoint,
                methods=["POST" if path == "body" else "GET"],
                route_class_override=route_class,
            )

        @app.exception_handler(RequestValidationError)
        async def tell(_, error):
            wrong = [(list(each["loc"]), each["type"], each["msg"]) for each in error.errors()]
            return JSONResponse(sorted(wrong), 422)

        return TestClient(app)

    with made(APIRoute) as theirs, made(Operation) as ours:
        yield theirs, ours


QUERIES = [
    "", "size=3", "size=0&names=a", "size=x", "size=4.0", "size=%2B7", "size=", "size=1&size=2",
    "names=a&names=b", "names=a&names=b&names=c", "names=", "names=%00&size=-1", "share=nan",
    "share=.5", "share=", "kind=c", "kind=b&kind=a", "loud=yes", "loud=maybe", "unknown=1&size=1",
    "otherName=q&size=1", "other=q&size=1", "size=9e9", "size=%F0%9F%98%80",
]  # fmt: skip


TAKEN = {
    "model": {"size", "names", "share", "kind", "loud"},
    "one": {"size", "names", "otherName"},
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", ["model/a", "one/a", "model/%0A", "one/a%2Fb"])
def test_parameters_are_read_as_fastapi_reads_them_and_others_are_refused(clients, path, query):
    theirs, ours = (
        client.get(f"/{path}?{query}", headers={"X-Said": b"\xe9"}) for client in clients
    )
    unknown = {*parse_qs(query, keep_blank_values=True)} - TAKEN[path.partition("/")[0]]
    if not unknown:
        assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())
        return
    assert ours.status_code == 422
    extra = [each for each in ours.json() if each[1] == "extra_forbidden"]
    assert {tuple(where) for where, _, _ in extra} == {("query", name) for name in unknown}
    others = [each for each in ours.json() if each not in extra]
    assert others == (theirs.json() if theirs.status_code == 422 else [])


@pytest.mark.parametrize("kind", ["application/json", "application/x+json; a=b", "text/plain", ""])
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"3", b"null", b'"x"', b'{"id":"a"}', b'{"id":"\\n","count":"x"}',
     b'{"id":"a","count":"7"}', b'{"id":"\xff"}', b"[" * 5_000, b'{"id":"a","count":NaN}'],
)  # fmt: skip
@pytest.mark.parametrize("query", ["", "?size=x"])
def test_bodies_are_read_as_fastapi_reads_them(clients, body, kind, query):
    theirs, ours = (
        client.post(f"/body/a{query}", content=body, headers={"Content-Type": kind})
        for client in clients
    )
    assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())


@pytest.mark.parametrize(
    ("asked", "body", "where", "said"),
    [
        ("model/a?lenght=3&laud=1", None, ["query", "laud"], "option 'laud'; did you mean 'loud'?"),
        ("model/a?q=3", None, ["query", "q"], "'q'; there are size, names, share, kind, loud"),
        ("one/a?size=3&othername=3", None, ["query", "othername"], "did you mean 'otherName'?"),
        ("body/a", {"id": "a", "cuont": 1}, ["body", "cuont"], "did you mean 'count'?"),
        (
            "body/a",
            {"id": "a", "parts": [{}, {"wieght": 2}]},
            ["body", "parts", 1, "wieght"],
            "unknown option 'wieght'; did you mean 'weight'?",
        ),
        ("none/a?x=1", None, ["query", "x"], "unknown option 'x'; there is none here"),
    ],
)
def test_an_unknown_option_is_refused_with_the_name_it_may_have_been_meant_as(
    clients, asked, body, where, said
):
    ours = clients[1]
    told = ours.get(f"/{asked}") if body is None else ours.post(f"/{asked}", json=body)
    assert told.status_code == 422
    [message] = [text for place, _, text in told.json() if place == where]
    assert message.endswith(said)


def test_a_body_that_passes_over_what_it_does_not_know_is_no_body_of_an_operation():
    async def takes(body: list[Wanted]):
        return body

    with pytest.raises(TypeError, match="Wanted takes what it does not know"):
        Operation("/takes", takes, methods=["POST"])


def test_every_operation_goes_this_way():
    planner = hand_case().planner()
    found = list(operations(create_app(Keeper(lambda: planner, lambda: ""))))
    assert len(found) > 40
    assert all(isinstance(getattr(each, "original_route", each), Operation) for each in found)


def test_what_would_hold_up_other_requests_is_no_operation():
    def waits(asked: Asked):
        return None

    with pytest.raises(TypeError, match="in_thread"):
        Operation("/waits", waits)
    assert Operation("/waits", in_thread(waits)).path == "/waits"


def test_what_is_not_read_is_not_asked_for_in_vain():
    async def wants(given: Annotated[int, Depends(lambda: 3)]):
        return given

    with pytest.raises(TypeError, match="Asked"):
        Operation("/wants", wants)
