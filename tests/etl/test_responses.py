"""Anyone's CSV files: both forms of each, and every kind of bad data."""

import numpy as np
import pytest

from kgplan.errors import InputError
from kgplan.etl.responses import read_responses

LONG_R = "learner_id,item_id,score\na,i1,1\na,i2,0\nb,i1,0.5\n"
LONG_Q = "item_id,concept_id\ni1,c1\ni2,c1\ni2,c2\n"
WIDE_R = "learner_id,i1,i2\na,1,0\nb,0.5,\n"
WIDE_Q = "item_id,c1,c2\ni1,1,0\ni2,1,1\n"


@pytest.fixture
def read(tmp_path):
    """Write two texts and read them."""

    def run(responses, q_matrix):
        r, q = tmp_path / "R.csv", tmp_path / "Q.csv"
        for path, text in ((r, responses), (q, q_matrix)):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_responses(r, q)

    return run


def as_dictionary(data):
    """(learner, item) -> score, from the stored entries."""
    coo = data.scores.tocoo()
    return {
        (str(data.learner_ids[u]), str(data.item_ids[v])): float(x)
        for u, v, x in zip(coo.row, coo.col, coo.data, strict=True)
    }


def reasons(data):
    return [(r.file, r.line, r.reason) for r in data.rejects]


@pytest.mark.parametrize("responses", [LONG_R, WIDE_R])
@pytest.mark.parametrize(
    "q_matrix", [LONG_Q, WIDE_Q, "c1,c2\n1,0\n1,1\n", "item_id,c1,c2\ni2,1,1\ni1,1,0\n"]
)
def test_long_and_wide_files_say_the_same(read, responses, q_matrix):
    data = read(responses, q_matrix)
    assert as_dictionary(data) == {("a", "i1"): 1, ("a", "i2"): 0, ("b", "i1"): 0.5}
    assert data.item_ids.tolist() == ["i1", "i2"]
    assert data.concept_ids.tolist() == ["c1", "c2"]
    assert data.q_matrix.toarray().tolist() == [[1, 0], [1, 1]]
    assert data.rejects == ()
    assert data.weights is None


def test_a_wide_file_without_learner_ids_numbers_its_rows(read):
    data = read("i1,i2\n1,0\n,\n0,1\n", WIDE_Q)
    assert data.learner_ids.tolist() == ["1", "2", "3"]
    assert data.missing == 2
    assert data.findings()["learners_without_responses"] == ["2"]


def test_weights_are_read_in_any_order_of_columns(read):
    data = read("score,weight,item_id,learner_id\n1,2.5,i1,a\n0,0,i2,a\n", LONG_Q)
    assert data.weights.toarray().tolist() == [[2.5, 0]]
    assert as_dictionary(data) == {("a", "i1"): 1, ("a", "i2"): 0}


@pytest.mark.parametrize("empty", ["", "NA", "nan"])
def test_a_missing_score_is_not_an_observation(read, empty):
    data = read(LONG_R + f"b,i2,{empty}\n", LONG_Q)
    assert ("b", "i2") not in as_dictionary(data)
    assert data.missing == 1
    assert data.rejects == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("b,i2,1.5", "score_out_of_range"),
        ("b,i2,-0.1", "score_out_of_range"),
        ("b,i2,inf", "score_out_of_range"),
        ("b,i2,right", "score_not_a_number"),
        ("b,i9,1", "unknown_item"),
        (",i2,1", "no_learner"),
        ("b,,1", "no_item"),
        ("b,i2", "broken_row"),
        ("b,i2,1,1", "broken_row"),
        ("a,i1,1", "repeated"),
        ("a,i1,0", "contradicts"),
    ],
)
def test_a_row_that_cannot_be_used_is_kept_out_with_its_line_and_reason(read, row, reason):
    data = read(LONG_R + row + "\n", LONG_Q)
    assert as_dictionary(data) == {("a", "i1"): 1, ("a", "i2"): 0, ("b", "i1"): 0.5}
    assert reasons(data) == [("R.csv", 5, reason)]
    assert data.rejected() == {reason: 1}


@pytest.mark.parametrize("weight", ["-1", "inf", "nan", "much", ""])
def test_a_weight_that_is_no_weight_keeps_its_row_out(read, weight):
    data = read(f"learner_id,item_id,score,weight\na,i1,1,1\na,i2,1,{weight}\n", LONG_Q)
    assert reasons(data) == [("R.csv", 3, "bad_weight")]
    assert as_dictionary(data) == {("a", "i1"): 1}


def test_a_bad_cell_of_a_wide_file_leaves_the_rest_of_its_row(read):
    data = read("learner_id,i1,i2\na,2,0\nb,1\nc,1,1\n,1,1\n", WIDE_Q)
    assert as_dictionary(data) == {("a", "i2"): 0, ("c", "i1"): 1, ("c", "i2"): 1}
    assert reasons(data) == [
        ("R.csv", 2, "score_out_of_range"),
        ("R.csv", 3, "broken_row"),
        ("R.csv", 5, "no_learner"),
    ]


def test_a_learner_in_two_wide_rows_keeps_the_first_answer_to_each_item(read):
    data = read("learner_id,i1,i2\na,1,\na,0,1\n", WIDE_Q)
    assert as_dictionary(data) == {("a", "i1"): 1, ("a", "i2"): 1}
    assert data.rejected() == {"contradicts": 1}


def test_what_a_fit_can_say_little_about_is_found(read):
    data = read(
        "learner_id,item_id,score\na,i1,1\nb,i1,1\na,i2,0\nb,i2,1\na,i3,1\nc,i9,1\n",
        "item_id,c1,c2,c3\ni1,1,0,0\ni2,1,1,0\ni3,0,0,0\ni4,0,1,0\n",
    )
    assert data.findings() == {
        "items_without_concepts": ["i3"],
        "items_without_responses": ["i4"],
        "constant_items": ["i1", "i3"],
        "concepts_without_items": ["c3"],
        "learners_without_responses": ["c"],
        "unknown_items": ["i9"],
    }
    assert data.learner_ids.tolist() == ["a", "b", "c"]


def test_a_long_q_matrix_may_list_an_item_that_needs_nothing_and_repeat_itself(read):
    data = read(LONG_R, LONG_Q + "i1,c1\ni3,\n,c1\n")
    assert data.findings()["items_without_concepts"] == ["i3"]
    assert data.q_matrix.max() == 1
    assert reasons(data) == [("Q.csv", 5, "repeated_concept"), ("Q.csv", 7, "no_item")]


@pytest.mark.parametrize(
    ("responses", "q_matrix", "message"),
    [
        ("", LONG_Q, "R.csv is empty"),
        (LONG_R, "", "Q.csv is empty"),
        ("learner_id,item_id,score\n", LONG_Q, "no usable answer"),
        ("learner_id,item_id,score\na,i1,7\n", LONG_Q, "1 times the score is outside"),
        ("learner_id,item_id\na,i1\n", LONG_Q, "give learner_id,item_id,score"),
        ("learner_id\na\n", LONG_Q, "give learner_id,item_id,score"),
        ("learner_id,i1,i1\na,1,1\n", LONG_Q, "names 'i1' twice"),
        ("learner_id,i1,\na,1,1\n", LONG_Q, "a column without a name"),
        (LONG_R, "item_id,concept_id\ni1,\n", "names no concept"),
        (LONG_R, "item_id,c1\ni1,2\ni2,1\n", "line 2: item 'i1' has '2' for concept 'c1'"),
        (LONG_R, "item_id,c1\ni1,1\ni1,1\n", "item 'i1' a second time"),
        (LONG_R, "item_id,c1,c2\ni1,1\n", "has 2 cells and the header 3"),
        (LONG_R, "c1,c2\n1,0\n", "1 rows and the responses have 2 items"),
        (LONG_R.encode("utf-16"), LONG_Q, "not UTF-8"),
        ('learner_id,item_id,score\n"a,i1,1\n', LONG_Q, "give plain CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(read, responses, q_matrix, message):
    with pytest.raises(InputError, match=message) as caught:
        read(responses, q_matrix)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_responses(tmp_path / "R.csv", tmp_path / "Q.csv")


def test_byte_order_marks_windows_line_ends_blank_lines_and_chinese_are_read(read):
    text = "\ufefflearner_id,item_id,score\r\n甲,题一,1\r\n\r\n 乙 , 题一 , 0 \r\n"
    data = read(text, "item_id,concept_id\n题一,递归\n")
    assert as_dictionary(data) == {("甲", "题一"): 1, ("乙", "题一"): 0}
    assert data.rejects == ()


def test_every_answer_is_kept_or_kept_out_or_missing(read):
    """Random long files: rows in equal rows kept, rejected and missing."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows = [
            f"{rng.choice(['a', 'b', 'c', ''])},{rng.choice(['i1', 'i2', 'i9'])},"
            f"{rng.choice(['0', '1', '0.5', '', '3', 'x'])}"
            for _ in range(30)
        ]
        data = read("learner_id,item_id,score\na,i1,1\n" + "\n".join(rows) + "\n", LONG_Q)
        assert data.scores.nnz + len(data.rejects) + data.missing == 31
