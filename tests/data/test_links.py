"""Addresses of what to open."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplan.data.events import usable_id
from kgplan.data.links import Links
from kgplan.errors import ConfigError

ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30).filter(usable_id)


@given(ids, ids)
def test_whatever_an_id_holds_is_found_again_in_its_own_place_of_the_address(course, video):
    """RFC 3986: what is no delimiter of the template cannot become one."""
    links = Links.of("https://lms.example/c/{course_id}/v/{item_id}/?c={course_id}&v={item_id}#x")
    address = urlsplit(links.to(course, video))
    assert (address.scheme, address.netloc, address.fragment) == ("https", "lms.example", "x")
    assert [unquote(each) for each in address.path.split("/")] == ["", "c", course, "v", video, ""]
    assert parse_qs(address.query) == {"c": [course], "v": [video]}
    assert address.geturl().isascii()


def test_without_a_video_or_a_template_there_is_no_address():
    assert Links.of("https://lms.example/{item_id}").to("C_1", None) is None
    assert Links.of("").to("C_1", "V_1") is None


def test_a_template_may_use_a_placeholder_twice_or_not_at_all():
    assert Links.of("http://lms.example/{item_id}").to("C_1", "V_1") == "http://lms.example/V_1"
    twice = Links.of("http://lms.example/{item_id}/{item_id}{{1}}")
    assert twice.to("C_1", "V_1") == "http://lms.example/V_1/V_1{1}"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("https://lms.example/{course}", "placeholder {course}, and there are {course_id}"),
        ("https://lms.example/{}", "placeholder {}"),
        ("https://lms.example/{item_id.__class__}", "placeholder {item_id.__class__}"),
        ("https://lms.example/{item_id!r:>9}", "without ! and :"),
        ("https://lms.example/{item_id", "cannot be read"),
        ("javascript:alert({item_id})", "begin with http:// or https://"),
        ("lms.example/{item_id}", "begin with http:// or https://"),
        ("https:///{item_id}", "no host"),
        ("https://{course_id}.example/", "no host"),
        ("https://[lms/{item_id}", "cannot be read"),
        ("https://lms.example/a b/{item_id}", "space"),
    ],
)
def test_a_template_that_is_none_is_told_with_what_is_wrong_and_how_to_write_it(template, said):
    with pytest.raises(ConfigError) as told:
        Links.of(template)
    assert str(told.value).startswith(f"KGPLAN_LINKS is {template!r}: ")
    assert said in str(told.value)
    assert "https://lms.example/courses/{course_id}/videos/{item_id}" in str(told.value)
