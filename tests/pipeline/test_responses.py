"""Anyone's CSV files: both forms of each, and every kind of bad data."""

from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from kgplan.errors import InputError
from kgplan.pipeline.responses import read_in_order, read_responses

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
        (LONG_R.encode("utf-16-le"), LONG_Q, "line 1, is not UTF-8"),
        (LONG_R.replace("b,", "乙,").encode("gbk"), LONG_Q, "line 4, is not UTF-8"),
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


ANSWERS = {("a", "i1"): 1, ("a", "i2"): 0, ("b", "i1"): 0.5}


@pytest.mark.parametrize(
    ("sign", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")]
)
@pytest.mark.parametrize("responses", [LONG_R, WIDE_R])
@pytest.mark.parametrize("q_matrix", [LONG_Q, WIDE_Q])
def test_other_separators_are_read_and_said(read, responses, q_matrix, sign, word):
    data = read(responses.replace(",", sign), q_matrix.replace(",", sign))
    assert as_dictionary(data) == ANSWERS
    assert data.q_matrix.toarray().tolist() == [[1, 0], [1, 1]]
    assert data.notes == (f"R.csv: separated by {word}", f"Q.csv: separated by {word}")


@pytest.mark.parametrize("first", ["sep=;\r\n", '"sep=;"\n', "SEP=;\n"])
def test_a_line_that_names_the_separator_is_no_row(read, first):
    data = read("\ufeff" + first + WIDE_R.replace(",", ";") + "c;x;1\n", WIDE_Q)
    assert as_dictionary(data) == ANSWERS | {("c", "i2"): 1}
    assert reasons(data) == [("R.csv", 5, "score_not_a_number")]  # the line of the file


def test_decimal_commas_percent_signs_and_truth_values_are_scores(read):
    data = read("learner_id;i1;i2\na;0,25;1,0\nb;85 %;TRUE\nc;false;0\n", WIDE_Q)
    assert as_dictionary(data) == {
        ("a", "i1"): 0.25, ("a", "i2"): 1, ("b", "i1"): 0.85, ("b", "i2"): 1,
        ("c", "i1"): 0, ("c", "i2"): 0,
    }  # fmt: skip
    assert data.rejects == ()
    assert any("decimal commas" in note for note in data.notes)


@pytest.mark.parametrize("weight", ["0,5", "0.5"])
def test_decimal_commas_are_weights_as_well(read, weight):
    data = read(f"learner_id;item_id;score;weight\na;i1;1;{weight}\n", LONG_Q)
    assert data.weights.data.tolist() == [0.5]


@pytest.mark.parametrize(
    "header",
    [
        "Learner_ID,Item_ID,Score",
        "user id,question,correct",
        "学号,题目,得分",
        "Student,Problem ID,POINTS",
        "id,item,result",
    ],
)
def test_columns_by_other_names_are_read_and_said(read, header):
    data = read(LONG_R.replace("learner_id,item_id,score", header), LONG_Q)
    assert as_dictionary(data) == ANSWERS
    assert header.split(",")[0] + " as learner_id" in data.notes[0]


def test_a_file_of_pandas_with_its_index_is_read(read):
    data = read(",learner_id,item_id,score\n0,a,i1,1\n1,a,i2,0\n2,b,i1,0.5\n", LONG_Q)
    assert as_dictionary(data) == ANSWERS


@pytest.mark.parametrize(
    "name",
    ["ID", "idstud", "Student", "user", "name", "", "Unnamed: 0", "学号", "schnr", "kennung"],
)
@pytest.mark.parametrize("q_matrix", [LONG_Q, WIDE_Q, "c1,c2\n1,0\n1,1\n"])
@pytest.mark.parametrize("ids", [("S01", "S02", "S03"), ("1", "38", "75")])
def test_the_learner_column_of_a_wide_file_may_have_any_name(read, name, q_matrix, ids):
    rows = zip(ids, ("1,0", "0.5,", "0,1"), strict=True)
    data = read(f"{name},i1,i2\n" + "\n".join(",".join(row) for row in rows) + "\n", q_matrix)
    assert data.learner_ids.tolist() == list(ids)
    assert data.item_ids.tolist() == ["i1", "i2"]
    assert data.rejects == ()
    assert data.notes == (f"R.csv: {name or 'a column without a name'} as learner_id",)


@pytest.mark.parametrize("index", ["", "Unnamed: 0"])
def test_row_numbers_beside_learners_and_items_are_neither(read, index):
    data = read(
        f"{index},learner_id,i1,i2\n0,a,1,0\n1,b,0.5,\n",
        f"{index},item,c1,c2\n0,i1,1,0\n1,i2,1,1\n",
    )
    assert as_dictionary(data) == ANSWERS
    assert data.q_matrix.toarray().tolist() == [[1, 0], [1, 1]]
    assert data.rejects == ()
    data = read(WIDE_R, f"{index},c1,c2\n0,1,0\n1,1,1\n")  # items by their order
    assert data.q_matrix.toarray().tolist() == [[1, 0], [1, 1]]


def test_the_learner_column_may_stand_behind_others_and_an_item_may_be_called_like_one(read):
    data = read("class,student,i1,i2\n7,a,1,0\n7,b,0.5,\n", WIDE_Q)
    assert as_dictionary(data) == ANSWERS
    assert data.findings()["unknown_items"] == ["class"]
    data = read("id,i2\n1,0\n0,1\n", "item_id,c1\nid,1\ni2,1\n")
    assert data.item_ids.tolist() == ["id", "i2"]
    assert data.learner_ids.tolist() == ["1", "2"]
    assert "named by row" in data.notes[0]


def test_items_called_like_columns_of_the_long_form_stay_items(read):
    data = read("student,task,result\na,1,0\nb,0,1\n", "item_id,c1\ntask,1\nresult,1\n")
    assert data.item_ids.tolist() == ["task", "result"]
    assert data.learner_ids.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    "levels", ["0 1 2", "0 100", "0 87.5 45.5 12", "1 2 3 4 5", "1 2", "-1 1", "0 1 2 9"]
)
@pytest.mark.parametrize("long", [True, False])
def test_scores_on_another_scale_are_refused_with_file_place_and_value(read, levels, long):
    drawn = np.random.default_rng(0).choice(levels.split(), (30, 2))
    rows = [(f"u{u}", *cells) for u, cells in enumerate(drawn)]
    if long:
        cells = [(u, f"i{k + 1}", row[k]) for u, *row in rows for k in range(2)]
        text = "learner_id,item_id,score\n" + "\n".join(",".join(cell) for cell in cells)
    else:
        text = "learner_id,i1,i2\n" + "\n".join(",".join(row) for row in rows)
    with pytest.raises(
        InputError, match=r"R.csv run from -?\d.* to \d.*line \d.*learner 'u\d"
    ) as caught:
        read(text, WIDE_Q)
    assert "[0, 1]" in str(caught.value)


@pytest.mark.parametrize("code", ["-1", "-9", "9", "99", "999", "7", "8"])
@pytest.mark.parametrize("levels", ["0 1", "0 0.5 1"])
def test_codes_for_missing_answers_are_kept_out_and_counted(read, code, levels):
    drawn = np.random.default_rng(1).choice([*levels.split(), code], (30, 2))
    text = "learner_id,i1,i2\n" + "\n".join(f"u{u},{a},{b}" for u, (a, b) in enumerate(drawn))
    data = read(text, WIDE_Q)
    assert data.rejected() == {"score_out_of_range": int((drawn == code).sum())}
    assert data.scores.nnz == (drawn != code).sum()


@pytest.mark.parametrize(
    "cell",
    [
        "A;B",
        "A|B",
        '"A,B"',
        '"[A, B]"',
        "\"['A', 'B']\"",
        "A & B",
        "A；B",
        "A、B",
        "A+B",
        "A/B",
        "A_B",
    ],
)
def test_several_concepts_in_one_cell_are_several_concepts(read, cell):
    data = read(LONG_R + "a,i3,1\n", f"item_id,concept_id\ni1,A\ni2,B\ni3,{cell}\n")
    assert data.concept_ids.tolist() == ["A", "B"]
    assert data.q_matrix.toarray().tolist() == [[1, 0], [0, 1], [1, 1]]
    assert "list concepts" in data.notes[0]


def test_lists_of_numbers_are_lists_also_where_no_concept_stands_alone(read):
    data = read(LONG_R + "a,i3,1\n", 'item,skill\ni1,"1,2"\ni2,"2,3"\ni3,"1,3"\n')
    assert data.concept_ids.tolist() == ["1", "2", "3"]
    assert data.q_matrix.toarray().tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 1]]


def test_a_melted_q_matrix_says_with_0_what_is_not_needed(read):
    melted = "item_id,concept_id,value\ni1,c1,1\ni1,c2,0\ni2,c1,1\ni2,c2,1\n"
    data = read(LONG_R, melted)
    assert data.q_matrix.toarray().tolist() == [[1, 0], [1, 1]]
    assert "not needed" in data.notes[0]


def test_names_with_commas_and_signs_stay_names(read):
    names = ["Sets, relations", "Search & sort", "Input/output", "TCP_IP"]
    rows = [f'i{k},"{name}"' for k, name in enumerate(names)]
    data = read(LONG_R, "item_id,concept_id\n" + "\n".join(rows) + "\n")
    assert data.concept_ids.tolist() == names
    assert data.notes == ()


@pytest.mark.parametrize(
    ("q_matrix", "message"),
    [
        (
            'item_id,concept_id\ni1,A\ni2,"A, B"\n',
            r"Q.csv, line 3: item 'i2' has 'A, B', one .* or",
        ),
        (
            "item_id,concept_id\ni1,A\ni2,B\ni3,A B\n",
            r"Q.csv, line 4: item 'i3' has 'A B', one .* or",
        ),
        ("item_id,concept_id\ni1,A\ni2,A,B\n", "Q.csv, line 3, has 3 cells and the header 2"),
    ],
)
def test_what_may_be_several_concepts_or_one_is_refused(read, q_matrix, message):
    with pytest.raises(InputError, match=message):
        read(LONG_R, q_matrix)


@pytest.mark.parametrize(
    "q_matrix",
    [
        "concept_id,item_id\nc1,i1\nc1,i2\nc2,i2\n",
        "skill,question\nc1,i1\nc1,i2\nc2,i2\n",
        "c1,c2,item_id\n1,0,i1\n1,1,i2\n",
        "Question,c1,c2\ni2,1,1\ni1,1,0\n",
        ",c1,c2\ni1,1,0\ni2,1,1\n",
        "aufgabe,c1,c2\ni1,1,0\ni2,1,1\n",
        "concept,i1,i2\nc1,1,1\nc2,0,1\n",
    ],
)
def test_the_q_matrix_may_stand_in_any_order_and_turned(read, q_matrix):
    for responses in (LONG_R, WIDE_R):
        data = read(responses, q_matrix)
        assert as_dictionary(data) == ANSWERS
        assert data.concept_ids.tolist() == ["c1", "c2"]
        assert data.q_matrix.toarray().tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("responses", "message"),
    [
        (
            "alter,i1,i2\n12,1,0\n13,1,0\n12,0,0\n",
            "column 'alter' of .* '12' .line 2. no score; call it",
        ),
        ("learner_id,x1,x2\na,1,0\n", "none is an item of the Q-matrix .i1, i2.; give learner_id"),
        (
            "learner,item,foo\na,i1,1\n",
            "columns of .*R.csv are learner, item, foo.*give learner_id,item_id",
        ),
    ],
)
def test_columns_that_cannot_be_told_are_named(read, responses, message):
    with pytest.raises(InputError, match=message):
        read(responses, WIDE_Q)


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


# ------------------------------------------------------------------------------------- in order


@pytest.fixture
def read_timed(tmp_path):
    """Write rows of learner, item, score and time, and read them in order."""

    def run(rows, zone=UTC, header="learner_id,item_id,score,time", q_matrix=LONG_Q):
        (tmp_path / "R.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        (tmp_path / "Q.csv").write_text(q_matrix, encoding="utf-8")
        return read_in_order(tmp_path / "R.csv", tmp_path / "Q.csv", zone)

    return run


def test_a_moment_is_read_alike_however_it_is_written(read_timed):
    data = read_timed(
        [
            "a,i1,1,2026-01-02T00:00:00",
            "b,i1,1,2026-01-01T16:00Z",
            "c,i1,1,2026-01-01 17:00:00+01:00",
            "d,i1,1,1767283200",
            "e,i1,1,2026-01-02",
        ],
        ZoneInfo("Asia/Shanghai"),
    )
    # 20,454 days from 1970 to 2026, and 16 hours
    assert data.seconds.tolist() == [20_454 * 86_400 + 16 * 3_600] * 5


def test_every_try_counts_and_only_the_same_row_again_is_kept_out(read_timed):
    data = read_timed(
        [
            "a,i1,0,2026-01-01T10:00",
            "a,i1,1,2026-01-01T11:00",
            "a,i1,1,2026-01-01T11:00",
            "a,i1,0,2026-01-01T11:00",
            "a,i2,0,2026-01-01T11:00",
            "b,i1,1,2026-01-01T11:00",
        ]
    )
    assert data.item.tolist() == [0, 0, 0, 1, 0]
    assert data.score.tolist() == [0, 1, 0, 0, 1]
    assert data.learner.tolist() == [0, 0, 0, 0, 1]
    assert reasons(data) == [("R.csv", 4, "repeated")]
    assert data.at_the_same_time() == 2
    assert data.findings()["constant_items"] == ["i2"]


def test_an_answer_without_a_time_is_kept_out(read_timed):
    data = read_timed(
        ["a,i1,1,", "a,i2,1,soon", "a,i2,1,1700000000000", "a,other,1,", "b,i1,1,0", "b,i2,,1"]
    )
    assert reasons(data) == [
        ("R.csv", 2, "no_time"),
        ("R.csv", 3, "bad_time"),
        ("R.csv", 4, "bad_time"),
        ("R.csv", 5, "unknown_item"),
    ]
    assert [r.value for r in data.rejects[1:3]] == ["soon", "1700000000000"]
    assert data.missing == 1
    assert data.findings()["learners_without_responses"] == ["a"]


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("learner_id,item_id,score", "a,i1,1", "no column of times"),
        ("learner_id,item_id,score,time,weight", "a,i1,1,0,1", "has weights"),
        ("learner_id,i1,i2", "a,1,0", "the columns of"),
        ("learner_id,item_id,score,time", "a,i1,1,soon", "1 times the time is neither"),
    ],
)
def test_responses_without_an_order_are_refused(read_timed, header, row, message):
    with pytest.raises(InputError, match=message):
        read_timed([row], header=header)


def test_a_column_of_times_may_have_another_name_and_is_told_when_it_is_not_used(read, read_timed):
    rows = "student,question,correct,Timestamp\na,i1,1,5\n"
    header, row, _ = rows.split("\n")
    assert any("Timestamp as time" in note for note in read_timed([row], header=header).notes)
    notes = read(rows, LONG_Q).notes
    assert any("times in Timestamp were not looked at" in note for note in notes)
