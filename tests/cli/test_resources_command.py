"""`kgplan resources evaluate` as a person runs it, on the miniature."""

from forked import run_kgplan


def test_an_unknown_protocol_is_named_with_those_there_are(tmp_path):
    found = run_kgplan(tmp_path, "resources", "evaluate", "--protocols", "last-5,first-5")
    assert found.returncode != 0
    assert "no protocol 'first-5'; there are last-5, last-1" in " ".join(found.stderr.split())
