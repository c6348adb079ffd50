"""Whatever is sent to any operation of the OpenAPI document: what comes back is in the document."""

import shutil
import sys

import pytest
import schemathesis
from fuzzing import FUZZ_CASES, cases
from hypothesis import assume, given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from tokens_by_hand import ISSUER, SECRET, claims, hs256

from kgplan.api.administration import Administration
from kgplan.api.app import create_app
from kgplan.api.audit import AuditLog
from kgplan.api.jobs import Jobs
from kgplan.api.keeper import Keeper, keep_planner
from kgplan.api.keys import SecretKeys
from kgplan.api.routes import running
from kgplan.api.routes.events import VERSION_HEADER
from kgplan.api.security import Security
from kgplan.api.tokens import SCOPES, Verifier
from kgplan.model.current import CurrentLearners
from kgplan.settings import Settings
from kgplan.store.events import open_events

pytestmark = pytest.mark.hypothesis  # Schemathesis runs its cases by it
CASES = max(3, FUZZ_CASES // 400)  # of each operation and mode, of which there are about eighty
KNOWN = {
    "learner_id": ["U_1", "U_2", "U_3"],
    "course_id": ["C_1", "C_2", "C_3"],
    "towards": ["K_向量_数学", "K_递归_计算机科学技术"],
    "concept_id": ["K_向量_数学", "K_递归_计算机科学技术"],
}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def app(mini_home, tmp_path_factory):
    """The whole service on a copy of the miniature's model; its jobs do nothing."""
    home = tmp_path_factory.mktemp("fuzz") / "home"
    shutil.copytree(mini_home.home, home)
    copied = Settings(home=home)
    idle = Jobs(copied, command=[sys.executable, "-S", "-c", "pass"])
    records = open_events(copied.records_url)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(running, "STREAMS_FOR", 0.0)  # a stream ends with what it tells first
        yield create_app(
            keep_planner(copied),
            learners=CurrentLearners(records),
            audit_log=AuditLog(copied.audit_path),
            administration=Administration(idle),
            security=Security(Verifier(SecretKeys([SECRET]), "kgplan", ISSUER)),
        )
    records.close()


@pytest.fixture(scope="module")
def documents(app):
    """The document that the service gives of itself, by mode; ids that fit are often known ones."""
    loaded = {mode: schemathesis.openapi.from_asgi("/openapi.json", app) for mode in GenerationMode}

    def often_known(ctx, sent):
        known = {name: st.sampled_from(KNOWN[name]) for name in sent or {} if name in KNOWN}
        if not known:
            return st.just(sent)
        return st.fixed_dictionaries(known).map(lambda found: {**sent, **found}) | st.just(sent)

    fitting = loaded[GenerationMode.POSITIVE]
    fitting.hook("flatmap_path_parameters")(often_known)
    fitting.hook("flatmap_query")(often_known)
    return loaded


def operations():
    """(address, method, mode) of the document, which is the same whatever the planner is."""
    document = create_app(Keeper(lambda: None, lambda: "always the same")).openapi()
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            yield path, method, GenerationMode.POSITIVE
            if {"parameters", "requestBody"} & told.keys():
                yield path, method, GenerationMode.NEGATIVE


def texts_of(told):
    """The parameters of an operation's address that take any text, or some."""
    found = set()
    for each in told.get("parameters", ()):
        kinds = each["schema"].get("anyOf", [each["schema"]])
        if each["in"] == "query" and any(kind.get("type") == "string" for kind in kinds):
            found.add(each["name"])
    return found


def is_sent(value):
    """Whether anything of a value comes to stand in an address."""
    each = value if isinstance(value, list) else [value]
    return any(part is not None and part not in ([], {}) for part in each)


@pytest.mark.parametrize(("path", "method", "mode"), list(operations()))
def test_every_answer_is_one_that_the_document_promises(documents, path, method, mode):
    token = hs256(claims(scope=" ".join(SCOPES)))
    sent = {"Authorization": f"Bearer {token}", VERSION_HEADER: "1.0.3"}
    texts = texts_of(documents[mode].raw_schema["paths"][path][method])

    @cases(CASES)
    @given(case=documents[mode][path][method].as_strategy(generation_mode=mode))
    def answers(case):
        # in an address all is text: what takes a text gets nothing else, and a list of nothing is
        # not there at all
        asked = case.query or {}
        assume(all(isinstance(asked[name], str) for name in texts & asked.keys()))
        assume(all(map(is_sent, asked.values())))
        case.call_and_validate(headers=sent, checks=CHECKS)

    answers()
