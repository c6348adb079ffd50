import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplan.data.identity import HASHED, MAILBOX, OPENID, Agent, home_page, read_owners
from kgplan.errors import ConfigError


@pytest.mark.parametrize(
    "same",
    [
        ["https://lms.example", "https://LMS.example/", "HTTPS://lms.example:443", "http://lms.example:80/"],
        ["https://lms.example/moodle", "https://lms.example/moodle/", "http://lms.example/moodle"],
        ["http://localhost:18000", "https://localhost:18000/"],
        ["http://[::1]:8000/a", "https://[::1]:8000/a/"],
        ["urn:platform:a", "URN:platform:a"],
    ],
)  # fmt: skip
def test_one_home_page_may_be_written_in_several_ways(same):
    assert len({home_page(each) for each in same}) == 1


def test_other_places_are_other_home_pages():
    places = [
        *(
            "https://a.example",
            "https://b.example",
            "https://a.example:8443",
            "https://a.example/x",
        ),
        *("https://a.example/X", "https://a.example/x?y", "https://a.example/x#y", "urn:a"),
        *("https://a.example:port", "http://[", "http:"),
    ]
    assert len({home_page(each) for each in places}) == len(places)


names = st.sampled_from(
    [
        *("2", "|2", "x|2", "ada@example.org", "a" * 40, "https://ada.example/me"),
        *("https://b.example|2", "urn:b|2", "mailto:ada@example.org", "sha1:" + "a" * 40),
        "openid:https://ada.example/me",
    ]
)
homes = st.sampled_from(["https://a.example", "https://b.example", "urn:b"])
agents = st.one_of(
    st.builds(Agent, homes, names),
    st.just(Agent(MAILBOX, "ada@example.org")),
    st.just(Agent(HASHED, "a" * 40)),
    st.just(Agent(OPENID, "https://ada.example/me")),
)
owners = st.sampled_from(
    [{"https://a.example"}, {"https://b.example"}, {MAILBOX}, {HASHED}, {OPENID}]
)


@given(one=agents, other=agents, owner=owners)
def test_two_people_never_become_one(one, other, owner):
    assert (one.learner_id(owner) == other.learner_id(owner)) == (one == other)


def test_the_owners_names_are_the_ids_and_others_carry_their_home_page():
    ours, theirs = Agent("https://a.example", "2"), Agent("https://b.example", "2")
    assert [each.learner_id({"https://a.example"}) for each in (ours, theirs)] == [
        "2",
        "https://b.example|2",
    ]
    assert Agent(MAILBOX, "ada@example.org").learner_id({"https://a.example"}) == (
        "mailto:ada@example.org"
    )
    assert Agent(MAILBOX, "ada@example.org").learner_id({MAILBOX}) == "ada@example.org"
    assert ours.learner_id(None) == "2"


def test_owners_are_read_as_home_pages_and_nonsense_is_refused():
    assert read_owners(()) is None
    assert read_owners(("http://A.example/", MAILBOX)) == {"https://a.example", MAILBOX}
    with pytest.raises(ConfigError, match=r"KGPLAN_HOME_PAGES names 'lms\.example'"):
        read_owners(("lms.example",))
