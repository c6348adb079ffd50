import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kgplan.data.search import Entry, SearchIndex, close_matches

words = st.text("ab栈表", min_size=1, max_size=7)
INDEX = SearchIndex(
    Entry(id_, names)
    for id_, names in [
        ("K_1", ("递归", "recursion")),
        ("K_2", ("线性表", "linear list")),
        ("K_3", ("二叉树", "binary tree")),
        ("K_4", ("二叉查找树", "binary search tree")),
        ("K_5", ("树", "tree")),
    ]
)


def edits(one, other):
    """Fewest letters to insert, delete, replace or exchange with the next, as a table."""
    table = [[i + j for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            same = one[i - 1] == other[j - 1]
            table[i][j] = min(
                table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (not same)
            )
            crossed = i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]
            if crossed:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


def kind_of(name, text):
    """The kind of match, 4 for none, by the rule that the documentation gives."""
    allowed = 0 if len(text) < 3 else 1 if len(text) < 6 else 2
    if name == text:
        return 0
    if name.startswith(text):
        return 1
    if text in name:
        return 2
    near = min(edits(text, name), edits(text, name[: len(text)]))
    return 3 if allowed and near <= allowed else 4


@settings(max_examples=60)
@given(st.lists(words, min_size=1, max_size=8, unique=True), words)
def test_names_match_as_edits_counted_by_a_table_say(names, text):
    index = SearchIndex(Entry(f"#{k}", (name,)) for k, name in enumerate(names))
    found = {match.entry.names[0]: match.kind for match in index.search(text, 100)}
    kinds = ("exact", "prefix", "part", "near")
    assert found == {n: kinds[kind_of(n, text)] for n in names if kind_of(n, text) < 4}
    order = [kinds.index(match.kind) for match in index.search(text, 100)]
    assert order == sorted(order)


def test_typos_in_chinese_and_english_are_forgiven():
    for text, first in [
        ("recursoin", "K_1"),
        ("线形表", "K_2"),
        ("Binray tree", "K_3"),
        ("bianry sea", "K_4"),
        ("二叉", "K_3"),
    ]:
        assert INDEX.search(text, 5)[0].entry.id == first
    assert INDEX.search("quantum", 5) == []


def test_the_whole_name_comes_before_names_that_begin_with_it():
    found = [(match.entry.id, match.kind) for match in INDEX.search("tree", 5)]
    assert found == [("K_5", "exact"), ("K_3", "part"), ("K_4", "part")]


@pytest.mark.parametrize(
    "text",
    [
        "IP地址", "ＩＰ地址", "ｉｐ地址", " ip地址\u3000", "data structure", "Data\u3000Structure",
        "ＤＡＴＡ  ｓｔｒｕｃｔｕｒｅ", "アルゴリズム", "ｱﾙｺﾞﾘｽﾞﾑ", "Poincaré", "Poincare\u0301",
    ],
)  # fmt: skip
def test_width_case_spaces_and_composed_letters_do_not_count(text):
    named = {"K_1": "IP地址", "K_2": "data structure", "K_3": "アルゴリズム", "K_4": "Poincaré"}
    plain = " ".join(unicodedata.normalize("NFKC", text).lower().split())
    for names in (named, {k: unicodedata.normalize("NFD", n) for k, n in named.items()}):
        index = SearchIndex(Entry(id_, (name,)) for id_, name in names.items())
        (found,) = index.search(text, 5)
        assert named[found.entry.id].lower() == plain
        assert found.kind == "exact"


def test_full_width_names_are_found_by_plain_letters_and_ids_come_near():
    index = SearchIndex([Entry("K_Ｂ树", ("Ｂ树",))])
    assert [match.kind for match in index.search("b树", 5)] == ["exact"]
    assert (
        close_matches("K_ip地址", np.array(["K_ＩＰ地址_网络", "K_数据"]))[0] == "K_ＩＰ地址_网络"
    )
