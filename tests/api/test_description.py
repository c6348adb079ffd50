"""What the service says of itself stays as it is kept beside this test, whatever is behind it."""

from description import KEPT, described


def test_the_description_is_as_it_was():
    kept = KEPT.read_text(encoding="utf-8").splitlines()
    now = described()
    assert [line for line in now if line not in set(kept)] == []
    assert [line for line in kept if line not in set(now)] == []
    assert now == kept
