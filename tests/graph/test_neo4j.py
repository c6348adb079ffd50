"""What only a Neo4j server can do: be locked, killed, held, refused and asked for too much."""

import os
import resource
import signal
import socket
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from neo4j import GraphDatabase
from neo4j.exceptions import AuthError
from test_graph_store import contents, edge, node, some_rows

from kgplan.errors import ConfigError, GraphUnavailable
from kgplan.etl.load import load
from kgplan.graph import neo4j, neo4j_server
from kgplan.graph.rows import batches
from kgplan.graph.snapshot import read_finished_snapshot

N_ROWS = 1_200
SMALL_BATCH = 1_000


@pytest.fixture
def small_batches(monkeypatch):
    """Batches of a tenth of the rows: what is between two of them comes with fewer rows."""
    for module in ("kgplan.etl.load", "kgplan.graph.neo4j"):
        monkeypatch.setattr(f"{module}.batches", partial(batches, size=SMALL_BATCH))


def many_rows():
    """Enough rows for several small batches."""
    concepts = [node(f"K_{k}") for k in range(N_ROWS)]
    pairs = [edge(f"K_{k}", f"K_{k + 1}", "dependency") for k in range(N_ROWS - 1)]
    return some_rows(
        Concept=concepts,
        PREREQUISITE_OF=pairs,
        COURSE_HAS_CONCEPT=[],
        FIELD_HAS_CONCEPT=[],
        BROADER_CONCEPT=[],
    )


def refused(place, match):
    """The place lets nobody in, and says why in one sentence."""
    with pytest.raises(GraphUnavailable, match=match) as caught, place.open():
        pass
    assert "\n" not in str(caught.value)


def test_the_password_is_random_private_and_the_only_one(neo4j_server):
    server = neo4j_server.server
    password = server.password_file.read_text().strip()
    assert len(password) >= 20
    assert stat.S_IMODE(server.password_file.stat().st_mode) == 0o600
    with (
        GraphDatabase.driver(server.status().bolt, auth=("neo4j", "neo4j")) as driver,
        pytest.raises(AuthError),
    ):
        driver.verify_connectivity()


def test_the_server_listens_on_loopback_only_and_tells_that_address(neo4j_server):
    address = neo4j_server.server.status().bolt.removeprefix("neo4j://")
    advertised = neo4j_server.run("CALL dbms.listConfig('server.bolt.advertised_address')")
    assert advertised[0]["value"] == address
    port = int(address.rpartition(":")[2])
    outside = socket.gethostbyname(socket.gethostname())
    if not outside.startswith("127."):
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((outside, port), timeout=1)


def test_a_second_start_finds_the_first(neo4j_server):
    server = neo4j_server.server
    before = server.status()
    assert server.start() == before


def test_a_taken_port_is_named(neo4j_server, tmp_path):
    port = int(neo4j_server.server.status().bolt.rpartition(":")[2])
    other = neo4j_server_of(tmp_path)
    with pytest.raises(GraphUnavailable, match=f"port {port} of 127.0.0.1 is taken"):
        other.start(bolt_port=port)
    assert other.status().running is False


def neo4j_server_of(folder):
    return neo4j_server.Neo4jServer(folder)


def test_an_address_that_clients_cannot_use_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'0\.0\.0\.0'"):
        neo4j_server_of(tmp_path).start(host="0.0.0.0")


def test_missing_java_is_one_sentence_that_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(Exception, match=r"no `java` .*apt-get install"):
        neo4j_server_of(tmp_path).start(bolt_port=1, http_port=2)


def test_a_wrong_password_is_told_with_the_way_out(neo4j_server):
    place = neo4j_server.place
    wrong = replace(place, access=replace(place.access, password="wrong password"))
    refused(wrong, "refuses the user 'neo4j' .* KGPLAN_GRAPH_PASSWORD_FILE")


@pytest.mark.parametrize("scheme", ["neo4j", "bolt"])
def test_a_port_where_nothing_listens_is_told(neo4j_server, scheme):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{unused.getsockname()[1]}"
        refused(replace(neo4j_server.place, url=url), f"no Neo4j answers at {url}")


def test_the_port_of_browser_is_not_the_port_of_drivers(neo4j_server):
    url = neo4j_server.server.status().http.replace("http://", "bolt://")
    refused(replace(neo4j_server.place, url=url), f"no Neo4j answers at {url}")


@pytest.mark.parametrize("url", ["neo4j://nowhere.invalid:7687", "neo4j://host:port:7"])
def test_a_host_that_is_none_is_told(neo4j_server, url):
    refused(replace(neo4j_server.place, url=url), f"no Neo4j answers at {url}")


@pytest.mark.parametrize("scheme", ["neo4j", "bolt"])
@pytest.mark.parametrize("named", ["/neo4j", "?database=neo4j", "/neo4j?database=neo4j"])
def test_the_database_of_the_address_is_used(neo4j_server, scheme, named):
    place = neo4j_server.place
    url = place.url.replace("neo4j://", f"{scheme}://") + named
    with replace(place, url=url).open() as store:
        load(some_rows(), store, "x")
    assert neo4j_server.run("MATCH (n:Concept) RETURN count(n) AS n")[0]["n"] > 0


@pytest.mark.parametrize("scheme", ["neo4j", "bolt"])
@pytest.mark.parametrize("named", ["/mooc", "?database=mooc", ""])
def test_a_database_that_is_not_there_is_told_and_nothing_is_written(neo4j_server, scheme, named):
    place = neo4j_server.place
    access = place.access if named else replace(place.access, database="mooc")
    url = place.url.replace("neo4j://", f"{scheme}://") + named
    with (
        pytest.raises(ConfigError, match="has no database 'mooc'; name one") as caught,
        replace(place, url=url, access=access).open() as store,
    ):
        store.define_schema()
    assert "\n" not in str(caught.value)
    assert neo4j_server.run("MATCH (n) RETURN count(n) AS n") == [{"n": 0}]


def test_a_query_beyond_its_time_is_stopped_and_named(neo4j_server, monkeypatch):
    endless = "UNWIND range(1, 2000000000) AS x RETURN sum(x % 7) AS n"
    monkeypatch.setattr(neo4j, "query", lambda name, queries: endless)
    place = neo4j_server.place
    hurried = replace(place, access=replace(place.access, query_seconds=0.5))
    begun = time.perf_counter()
    with (
        pytest.raises(GraphUnavailable, match=r"snapshot\.concept took longer than 0\.5 s"),
        hurried.open() as store,
    ):
        store.read("snapshot.concept")
    assert time.perf_counter() - begun < 10


def test_a_second_load_is_refused_while_one_runs(neo4j_server):
    place, refusals = neo4j_server.place, []

    def load_too(what, done, total):
        if not refusals:
            with pytest.raises(GraphUnavailable) as caught, place.open() as other:
                load(some_rows(Concept=[]), other, "other")
            refusals.append(str(caught.value))

    with place.open() as store:
        report = load(some_rows(), store, "run", load_too)
        assert read_finished_snapshot(store).version == report.graph_version
    assert "another load" in refusals[0]
    assert f"run run, process {os.getpid()}" in refusals[0]


def test_a_loader_that_was_taken_for_dead_writes_nothing_more(neo4j_server):
    place, others = neo4j_server.place, []
    theirs = some_rows(Concept=[node("K_b", name="theirs")])

    def fall_asleep(what, done, total):
        if not others:
            neo4j_server.run("MATCH (lock:LoadLock) SET lock.until = 0")
            with place.open() as other:
                load(theirs, other, "theirs")
                others.append(contents(other))

    with place.open() as store:
        with pytest.raises(GraphUnavailable, match="took this one for dead"):
            load(some_rows(), store, "ours", fall_asleep)
        assert contents(store) == others[0]
        assert read_finished_snapshot(store)


def test_a_reader_is_told_that_a_graph_is_being_loaded(neo4j_server):
    told = []

    def read_now(what, done, total):
        with (
            pytest.raises(GraphUnavailable, match="being loaded") as caught,
            neo4j_server.place.open(read_only=True) as store,
        ):
            read_finished_snapshot(store)
        told.append(caught.value)

    with neo4j_server.place.open() as store:
        with pytest.raises(GraphUnavailable, match="run `kgplan graph load`"):
            read_finished_snapshot(store)
        load(some_rows(), store, "run", read_now)
    assert len(told) == 26  # before and after each of 13 parts


def test_a_load_survives_the_servers_death(neo4j_server, small_batches):
    rows, place = many_rows(), neo4j_server.place

    def kill_half_way(what, done, total):
        if what == "PREREQUISITE_OF" and done < total:
            neo4j_server.kill()

    with place.open() as store:
        with pytest.raises(GraphUnavailable, match="no Neo4j answers"):
            load(rows, store, "run", kill_half_way)
        neo4j_server.server.restart()
        with pytest.raises(GraphUnavailable, match="finish it with"):
            read_finished_snapshot(store)  # the same store finds the new server
        report = load(rows, store, "run")
        found = contents(store)
        assert read_finished_snapshot(store).version == report.graph_version
    assert report.unchanged >= N_ROWS  # what was there by then is not written twice
    assert found["concept"] == {(f"K_{k}", f"K_{k}", None) for k in range(N_ROWS)}
    assert found["prerequisite_of"] == {
        (f"K_{k}", f"K_{k + 1}", ("dependency",), None, None) for k in range(N_ROWS - 1)
    }


def test_a_full_disk_is_told_and_the_graph_is_whole_after_it(neo4j_server, small_batches):
    """A limit on the size of the server's files stands for the full disk."""
    server, place = neo4j_server.server, neo4j_server.place
    logs = (server.home / "data" / "transactions" / "neo4j").glob("neostore.transaction.db.*")
    log = max(logs, key=lambda path: int(path.suffix[1:]))
    nearly_full = log.stat().st_size + 30_000
    pid = server.status().pid
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (nearly_full, resource.RLIM_INFINITY))
    for _ in range(2):  # the second finds that the server has given its database up
        told = pytest.raises(GraphUnavailable, match="its disk may be full")
        with told as caught, place.open() as store:
            load(many_rows(), store, "run")
        assert "\n" not in str(caught.value)
    addresses = (server.status().bolt, server.status().http)
    bolt, http = (int(address.rpartition(":")[2]) for address in addresses)
    neo4j_server.kill()  # and with it the limit
    server.start(bolt_port=bolt, http_port=http, heap_mb=512, page_cache_mb=64, salvage=True)
    with place.open() as store:
        report = load(many_rows(), store, "run")
        assert read_finished_snapshot(store).version == report.graph_version
        found = contents(store)
    assert {id_ for id_, *_ in found["concept"]} == {f"K_{k}" for k in range(N_ROWS)}
    assert len(found["prerequisite_of"]) == N_ROWS - 1


def all_stopped(pid: int) -> bool:
    """Whether each thread of a process is stopped, as a signal makes them one after the other."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return all((each / "stat").read_text().rpartition(")")[2].split()[0] == "T" for each in threads)


def test_a_server_that_falls_silent_is_given_up(neo4j_server):
    place = neo4j_server.place
    direct = replace(place, url=place.url.replace("neo4j://", "bolt://"))
    with direct.open() as store:
        load(some_rows(), store, "run")
        pid = neo4j_server.server.status().pid
        os.kill(pid, signal.SIGSTOP)
        try:
            while not all_stopped(pid):  # the last of many threads may answer yet
                time.sleep(0.01)
            begun = time.perf_counter()
            with pytest.raises(GraphUnavailable, match="no Neo4j answers"):
                store.read("snapshot.concept")
            waited = time.perf_counter() - begun
        finally:
            os.kill(pid, signal.SIGCONT)
        assert waited < 30  # the server's keep-alive of 2 x 3 s, then a new connection in vain
        assert len(store.read("snapshot.concept")) == 3


def test_the_jars_are_fetched_once_by_all_who_need_them_at_once(tmp_path, monkeypatch):
    calls = tmp_path / "calls"
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text(f"#!/bin/sh\necho >> {calls}\nsleep 0.2\n", encoding="utf-8")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maven.parent}{os.pathsep}{os.environ['PATH']}")
    servers = [neo4j_server.Neo4jServer(tmp_path / "home", tmp_path / "lib") for _ in range(3)]
    with ThreadPoolExecutor() as several:
        list(several.map(lambda server: server.fetch_jars(), servers))
    assert calls.read_text(encoding="utf-8").count("\n") == 1
