"""What is served at `/`: a built explorer, or the page that needs no build."""

import gzip
import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from kgplan.api import explorer
from kgplan.settings import Settings


@pytest.fixture
def client_of(tmp_path, monkeypatch):
    """A client of an application whose page lies in a folder of the test."""
    page = tmp_path / "kgplan" / "api" / "page"
    page.mkdir(parents=True)
    monkeypatch.setattr(explorer, "files", lambda _: tmp_path / "kgplan")
    app = FastAPI()

    def client(contents):
        for name, body in contents.items():
            (page / name).parent.mkdir(parents=True, exist_ok=True)
            (page / name).write_bytes(body)
        explorer.serve_explorer(app)
        return TestClient(app)

    return client


def test_where_nothing_is_built_the_small_page_may_run_its_own_script_and_no_other(client_of):
    small = (files("kgplan") / "api" / "page" / "index.html").read_bytes()
    answer = client_of({"index.html": small}).get("/")
    assert answer.content == small
    (script,) = re.findall(rb"<script>(.*?)</script>", small, re.DOTALL)
    hashed = b64encode(sha256(script).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"script-src 'self' 'sha256-{hashed}'" in policy
    assert "unsafe" not in policy


def test_a_built_explorer_goes_before_the_small_page(client_of):
    client = client_of(
        {
            "index.html": b"small",
            "dist/index.html": b"<title>built</title>",
            "dist/sources.sha256": b"0",
            "dist/assets/a-1.js": b"one()",
            "dist/assets/a-1.js.gz": gzip.compress(b"one()"),
        }
    )
    assert client.get("/").text == "<title>built</title>"
    script = client.get("/assets/a-1.js", headers={"Accept-Encoding": "br, gzip"})
    assert (script.headers["content-encoding"], script.text) == ("gzip", "one()")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    plain = client.get("/assets/a-1.js", headers={"Accept-Encoding": "identity"})
    assert (plain.headers.get("content-encoding"), plain.text) == (None, "one()")
    assert client.get("/assets/a-1.js.gz").status_code == 404
    assert client.get("/sources.sha256").status_code == 404


@pytest.mark.parametrize(
    ("graph", "browser", "address"),
    [
        ("", "", ""),
        ("ladybug:///somewhere/graph.lbug", "", ""),
        ("neo4j://graph.example:7687", "", "http://graph.example:7474/browser/"),
        ("bolt://[::1]:17687", "", "http://[::1]:7474/browser/"),
        ("neo4j://db:7687", "https://graph.example/browser/", "https://graph.example/browser/"),
    ],
)
def test_browser_is_where_the_graphs_server_is_unless_told_otherwise(graph, browser, address):
    assert Settings(graph=graph, neo4j_browser=browser).browser_url == address
