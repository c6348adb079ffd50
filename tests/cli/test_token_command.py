"""`kgplan token`, and what `kgplan serve` says where nobody said who may ask; no secret is told."""

import base64
import hashlib
import hmac
import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from neo4j_server import free_ports
from typer.testing import CliRunner

from kgplan.api.tokens import mint
from kgplan.cli.main import app, main
from kgplan.errors import KgplanError
from kgplan.graph.store import open_graph
from kgplan.settings import Settings, read_settings
from kgplan.store.events import open_events

COMMAND = Path(sys.executable).with_name("kgplan")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs the command in this process: its exit status, what it printed and complained."""

    def run(*arguments, **environment):
        for name in [name for name in os.environ if name.startswith("KGPLAN_")]:
            monkeypatch.delenv(name)
        for name, value in ({"HOME": tmp_path / "home"} | environment).items():
            monkeypatch.setenv(f"KGPLAN_{name}", str(value))
        monkeypatch.setattr(sys, "argv", ["kgplan", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "500")
        read_settings.cache_clear()
        with pytest.raises(SystemExit) as ended:
            main()
        read_settings.cache_clear()
        return ended.value.code, *capsys.readouterr()

    return run


def parts(token):
    """Header and claims of a token, and what its signature should be by RFC 7515 and `secret`."""
    header, claims, signature = token.split(".")

    def octets(text):
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    def is_by(secret):
        expected = hmac.digest(secret, f"{header}.{claims}".encode(), hashlib.sha256)
        return octets(signature) == expected

    return json.loads(octets(header)), json.loads(octets(claims)), is_by


def test_a_token_is_signed_with_the_secret_that_was_written(run, tmp_path):
    secret = tmp_path / "secret"
    status, said, _ = run("token", "--new-secret", secret)
    assert (status, stat.S_IMODE(secret.stat().st_mode)) == (0, 0o600)
    assert secret.read_text().strip() not in said
    assert len(base64.urlsafe_b64decode(secret.read_text().strip())) >= 32
    status, token, _ = run(
        *("token", "--scope", "paths:read", "--scope", "events:write", "--learner", "U_1"),
        *("--hours", "2", "--subject", "lms"),
        AUTH_SECRET_FILE=secret,
        AUTH_ISSUER="https://issuer.example",
    )
    header, claims, is_by = parts(token.strip())
    assert (status, header) == (0, {"alg": "HS256", "typ": "JWT"})
    assert is_by(secret.read_bytes().strip())
    assert abs(claims.pop("iat") - time.time()) < 60
    assert abs(claims.pop("exp") - time.time() - 7200) < 60
    assert claims == {
        "aud": "kgplan",
        "iss": "https://issuer.example",
        "sub": "lms",
        "scope": "paths:read events:write",
        "learner_id": "U_1",
    }


def test_the_first_of_several_secrets_signs(run, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("new-" * 10 + "\n" + "old-" * 10 + "\n")
    _, token, _ = run("token", "--scope", "admin", AUTH_SECRET_FILE=secret)
    is_by = parts(token.strip())[2]
    assert is_by(b"new-" * 10)
    assert not is_by(b"old-" * 10)


def test_a_secret_is_not_written_over(run, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("kept")
    status, _, complaint = run("token", "--new-secret", secret)
    assert status == 2
    assert "name a new file" in complaint
    assert secret.read_text() == "kept"


SECRET = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("arguments", "environment", "complaint"),
    [
        (["token", "--scope", "paths:reed"], {"AUTH_SECRET": SECRET}, "paths:reed"),
        (["token"], {"AUTH_SECRET": SECRET}, "--scope"),
        (["token", "--scope", "admin"], {}, "KGPLAN_AUTH_SECRET_FILE"),
        (["token", "--scope", "admin"], {"AUTH_SECRET": SECRET[1:]}, "31 bytes"),
        (["token", "--scope", "admin", "--learner", ""], {"AUTH_SECRET": SECRET}, "--learner"),
        (["serve"], {}, "kgplan serve --dev"),
        (["serve", "--dev", "--host", "0.0.0.0"], {}, "development"),
        (["serve"], {"AUTH_JWKS": "http://issuer.example/keys"}, "https"),
        (["serve"], {"AUTH": "none"}, "KGPLAN_AUTH is 'none'"),
        (["serve"], {"AUTH_SECRET": SECRET, "CORS": "*"}, "origin"),
    ],
)
def test_what_is_missing_or_wrong_is_said_in_a_sentence(run, arguments, environment, complaint):
    status, _, said = run(*arguments, **environment)
    assert status in (1, 2)
    assert complaint in said
    assert SECRET[1:] not in said
    assert said.count("\n") <= 2


def test_the_list_of_commands_names_it():
    assert "token" in CliRunner().invoke(app, ["--help"]).stdout


# ---------------------------------------------------------------- no secret is told

PASSWORD = "hunter2-and-more"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://kgplan:{PASSWORD}@127.0.0.1:1/kgplan?connect_timeout=1",
        f"postgresql+psycopg://kgplan:{PASSWORD}@127.0.0.1:port/kgplan",
        f"mysql://kgplan:{PASSWORD}@127.0.0.1/kgplan",
        f"kgplan:{PASSWORD}@127.0.0.1/kgplan",
    ],
)
def test_a_database_that_fails_does_not_tell_its_password(url, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(KgplanError) as failed:
        open_events(url)
    assert PASSWORD not in str(failed.value)
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(Settings(records=url))


def test_a_password_in_the_graphs_address_is_refused_and_not_repeated(run):
    status, _, said = run("courses", GRAPH=f"neo4j://neo4j:{PASSWORD}@127.0.0.1:7687")
    assert status == 2
    assert "KGPLAN_GRAPH_PASSWORD_FILE" in said
    assert PASSWORD not in said


def test_a_graph_that_is_silent_does_not_tell_its_password(caplog):
    caplog.set_level(logging.DEBUG)
    settings = Settings(graph="bolt://127.0.0.1:1", graph_password=PASSWORD)
    assert PASSWORD not in repr(settings)
    assert PASSWORD not in repr(settings.graph_access)
    with (
        pytest.raises(KgplanError) as failed,
        open_graph(settings.graph_url, access=settings.graph_access) as store,
    ):
        store.read("courses.all")
    assert PASSWORD not in str(failed.value)
    assert PASSWORD not in caplog.text


def test_a_running_service_writes_no_token_and_no_secret(mini_home, tmp_path):
    """With every log at its most talkative, in all that the process and the audit log say."""
    (port,) = free_ports(1)
    secret, output, audit = (tmp_path / name for name in ("secret", "output", "audit.jsonl"))
    secret.write_text(SECRET + "\n")
    environment = {
        "PATH": "/usr/bin:/bin",
        "KGPLAN_HOME": str(mini_home.home),
        "KGPLAN_RECORDS": f"sqlite:///{tmp_path / 'learners.db'}",
        "KGPLAN_AUTH_SECRET_FILE": str(secret),
        "KGPLAN_AUDIT": str(audit),
        "KGPLAN_LOG_LEVEL": "debug",
        "KGPLAN_DRAIN_SECONDS": "0",
    }

    good, weak = (
        mint(SECRET.encode(), "kgplan", scopes, 3600, time.time())
        for scopes in (["paths:read", "graph:read", "admin", "events:write"], ["paths:read"])
    )
    sent = [good, weak, good[:-4] + "AAAA", good.rsplit(".", 1)[0] + ".", "not-a-token-at-all"]
    sent += ["e30.e30.c2lnbmF0dXJl", "y" * 9000]
    statuses = set()
    with output.open("wb") as stream:
        service = subprocess.Popen(
            [COMMAND, "serve", "--port", str(port)],
            stdout=stream,
            stderr=stream,
            env=environment,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            begun = time.monotonic()
            while True:
                try:
                    client.get("/health")
                    break
                except httpx.TransportError:
                    assert service.poll() is None, output.read_text()
                    assert time.monotonic() - begun < 240
                    time.sleep(0.05)
            for token in sent:
                for scheme in ("Bearer", "Basic"):
                    headers = {"Authorization": f"{scheme} {token}"}
                    for method, path in (
                        ("GET", "/v1/graph/health"),
                        ("GET", "/v1/learners/U_1/export"),
                        ("POST", "/v1/admin/graph/refresh"),
                        ("POST", "/v1/events"),
                        ("GET", "/v1/none"),
                    ):
                        answer = client.request(method, path, headers=headers)
                        statuses.add(answer.status_code)
                        assert token not in answer.text
    finally:
        service.send_signal(signal.SIGINT)
        service.wait(60)
    written = output.read_text() + audit.read_text()
    assert {200, 401, 403} <= statuses
    assert "export" in audit.read_text()
    assert "/v1/graph/health" in written  # the log talks
    for hidden in (SECRET, *sent, *(token.rsplit(".", 1)[-1] for token in (good, weak))):
        assert hidden not in written
