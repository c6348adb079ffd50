import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kgplan.arrays import positions
from kgplan.data.axis import Axis
from kgplan.errors import UnknownCourse


@given(st.sets(st.text("abc", min_size=1), min_size=1), st.lists(st.text("abc", min_size=1)))
def test_every_way_of_asking_gives_the_place_that_a_search_of_the_sorted_ids_gives(ids, wanted):
    axis = Axis(np.array(sorted(ids)))
    expected = positions(axis.ids, np.array(wanted, dtype=np.str_)).tolist()
    assert [axis.find(each) for each in wanted] == expected
    assert [each in axis for each in wanted] == [at >= 0 for at in expected]
    assert axis.known(wanted).tolist() == [at for at in expected if at >= 0]
    assert [axis.place(name, UnknownCourse) for name in axis.names] == list(range(len(ids)))


def test_an_id_that_must_be_there_is_refused_with_what_looks_like_it():
    axis = Axis(np.array(["C_art", "C_maths"]))
    with pytest.raises(UnknownCourse, match="no course 'C_math'; close matches: C_maths"):
        axis.place("C_math", UnknownCourse)
