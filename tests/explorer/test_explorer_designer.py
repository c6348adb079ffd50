"""The designers' views say what the graph holds, in the picture and in words alike."""

import json
import random

import miniature
import networkx as nx
import pytest
from explorer_cases import VIEWS, place
from miniature import ALGORITHM, ARRAY, CS_VECTOR, FUNCTION, MATRIX, RECURSION, SET, VECTOR
from playwright.sync_api import expect

from kgplan.graph.designer import pictures, questions

# annotated and predicted prerequisites of the miniature, read from its files by hand
EDGES = [
    (SET, FUNCTION),
    (FUNCTION, MATRIX),
    (ARRAY, ALGORITHM),
    (ALGORITHM, RECURSION),
    (RECURSION, ARRAY),
    (VECTOR, MATRIX),
    (ARRAY, CS_VECTOR),
]


def names(ids):
    """Chinese names."""
    return {each.split("_")[1] for each in ids}


def listed(page, heading=None):
    """Names in the list beside the picture, or in a part of it."""
    where = page.locator(".pair-list")
    if heading:
        where = where.locator("section", has=page.get_by_role("heading", name=heading, level=2))
    return set(where.locator(".concept-list .name").all_inner_texts())


def drawn(page):
    """How many concepts the picture shows."""
    return int(page.locator(".canvas-box").get_attribute("data-drawn"))


@pytest.mark.parametrize("concept", [FUNCTION, ALGORITHM, MATRIX, SET])
def test_a_concept_shows_what_networkx_finds_before_and_after_it(reader, mini_address, concept):
    graph = nx.DiGraph(EDGES)
    page = reader(mini_address, "zh").visit(place("concept", concept, before=8, after=8))
    before, after = nx.ancestors(graph, concept), nx.descendants(graph, concept)
    assert listed(page, "需要先学") == names(before)
    assert listed(page, "学后可学") == names(after)
    assert drawn(page) == len(before | after | {concept})
    if not before:
        expect(page.locator(".pair-list")).to_contain_text("这是基础概念")


@pytest.mark.parametrize("concept", [FUNCTION, ALGORITHM, ARRAY, CS_VECTOR])
def test_a_concept_tells_where_it_is_taught_and_where_it_is_only_named(
    reader, serve, mini_home, concept
):
    """As the miniature's files have it."""
    address = serve(mini_home, links="https://lms.example/{course_id}/{item_id}")
    page = reader(address, "en").visit(place("concept", concept))
    files = miniature.MINI
    titles = {row["id"]: row["name"] for row in files["entities/video.json"]}
    on_it = {video for video, of in files["relations/video-concept.json"] if of == concept}
    teaching = {}
    for course, video in files["relations/course-video.json"]:
        if video in on_it:
            teaching.setdefault(course, []).append(video)
    naming = {course for course, of in files["relations/course-concept.json"] if of == concept}
    cards = page.locator(".taught-in > li")
    expect(cards).to_have_count(len(teaching))
    for course, videos in teaching.items():
        card = cards.filter(has=page.locator(f"a[href='{place('course', course)}']"))
        for video in videos:
            link = card.get_by_role("link", name=titles[video], exact=True)
            expect(link).to_have_attribute("href", f"https://lms.example/{course}/{video}")
    chips = page.locator(".taught > .chips a").evaluate_all("all => all.map(each => each.hash)")
    assert set(chips) == {place("course", course) for course in naming - set(teaching)}
    if not teaching and not naming:
        expect(page.locator(".taught")).to_contain_text("a gap")


def test_a_concept_tells_what_it_is_before_where_its_source_has_that_from(reader, mini_address):
    page = reader(mini_address, "en").visit(place("concept", FUNCTION))
    told = page.locator(".definition p")
    assert told.inner_text().split("\n") == [
        "给每个元素配上唯一一个元素的对应关系。",
        "学科：数学 › 集合论",
        "见载：《数学名词》第一版",
    ]
    expect(told).to_have_attribute("lang", "zh-CN")
    expect(page.locator(".definition button")).to_have_count(0)
    nothing = reader(mini_address, "en").visit(place("concept", ARRAY))
    expect(nothing.locator(".definition")).to_have_count(0)


def test_a_long_definition_begins_folded_and_no_page_is_wider_than_a_phone(reader, mini_address):
    long = "a relation that pairs elements " * 40 + "x" * 400

    def answer(route):
        told = route.fetch()
        route.fulfill(response=told, body=json.dumps(told.json() | {"definition": long}))

    opened = reader(mini_address, "en", phone=True)
    opened.page.route("**/v1/concepts/*", answer)
    page = opened.visit(place("concept", FUNCTION))
    told, button = page.locator(".definition p"), page.locator(".definition button")
    folded = told.bounding_box()["height"]
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    assert told.bounding_box()["height"] > 2 * folded
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    button.click()
    expect(button).to_have_attribute("aria-expanded", "false")
    assert told.bounding_box()["height"] == folded


def test_each_row_tells_which_concepts_build_on_it(reader, mini_address):
    page = reader(mini_address, "zh").visit(place("concept", MATRIX, before=3, after=0))
    rows = page.locator(".concept-list li").all_inner_texts()
    assert {" ".join(row.split()) for row in rows} >= {
        "向量 vector 先于 矩阵",
        "函数 function 先于 矩阵",
        "集合 set 先于 函数",
    }


def test_the_list_and_the_picture_are_in_step(reader, mini_address):
    page = reader(mini_address, "zh").visit(place("concept", ALGORITHM))
    row = page.locator(".concept-list li", has_text="递归").first
    row.get_by_role("link").focus()
    expect(row).to_have_class("chosen")
    box = page.locator(".canvas-box").bounding_box()
    # the concept itself stands in the middle column: it is no row, so a click on it clears the list
    page.mouse.click(box["x"] + 4, box["y"] + 4)
    expect(page.locator(".concept-list li.chosen")).to_have_count(0)


IN_CLASS = """
name => document.querySelector(".canvas-box")._cyreg.cy.nodes("." + name).map(each => each.id())
"""


def test_the_picture_marks_the_chosen_concept_and_its_neighbours_alone(reader, mini_address):
    page = reader(mini_address, "zh").visit(VIEWS["graph"])
    graph = nx.Graph(EDGES)
    everything = {row["id"] for row in miniature.MINI["entities/concept.json"]}
    for concept in (ALGORITHM, MATRIX, SET):
        page.locator(f".concept-list a[href='{place('concept', concept)}']").focus()
        near = {concept, *graph.neighbors(concept)}
        page.wait_for_function(f"id => ({IN_CLASS})('chosen').join() === id", arg=concept)
        assert set(page.evaluate(IN_CLASS, "near")) == near
        assert set(page.evaluate(IN_CLASS, "far")) == everything - near
    box = page.locator(".canvas-box").bounding_box()
    page.mouse.click(box["x"] + 4, box["y"] + 4)
    expect(page.locator(".concept-list li.chosen")).to_have_count(0)
    page.wait_for_function(f"() => ({IN_CLASS})('chosen').length === 0")  # it follows the list
    for name in ("near", "far"):
        assert page.evaluate(IN_CLASS, name) == []


def test_a_course_map_shows_its_concepts_and_what_it_lacks(reader, mini_address):
    page = reader(mini_address, "zh").visit(VIEWS["course"])
    expect(page.get_by_role("heading", level=1)).to_have_text("线性代数")
    mine = {SET, FUNCTION, VECTOR, MATRIX, ARRAY}
    lacking = {before for before, after in EDGES if after in mine and before not in mine}
    assert listed(page) == names(mine | lacking)
    assert listed(page, "课程未包含") == names(lacking)
    assert drawn(page) == len(mine)
    (course,) = [row for row in miniature.MINI["entities/course.json"] if row["id"] == "C_1"]
    videos = course["video_order"]
    titles = {row["id"]: row["name"] for row in miniature.MINI["entities/video.json"]}
    covering = {video for video, _ in miniature.MINI["relations/video-concept.json"]}
    shown = page.locator(".taught .items li .item-title").all_inner_texts()
    assert [each.split()[0] for each in shown] == [titles[v] for v in videos if v in covering]
    untaught = page.locator(".pair-list li", has_text="没有已知的学习内容").locator(".name")
    assert set(untaught.all_inner_texts()) == names({ARRAY})  # V_3, which is of another course
    page.get_by_role("link", name="为这门课程的学习者规划").click()
    expect(page).to_have_url(mini_address + place("learner", course="C_1"))


OF_EDGES = """
name => document.querySelector(".canvas-box")._cyreg.cy.edges("." + name)
  .map(each => [each.source().id(), each.target().id()])
"""


@pytest.mark.parametrize("view", ["course", "concept", "graph"])
def test_soft_edges_and_alternatives_look_otherwise_and_alternatives_are_told(
    reader, mini_address, view
):
    said = {(VECTOR, MATRIX): (0.5, 0), (FUNCTION, MATRIX): (1.0, 1), (SET, FUNCTION): (1.0, 0)}

    def answer(route):
        found = route.fetch().json()
        for edge in found["edges"]:
            strength, group = said.get((edge["before"], edge["after"]), (1.0, 0))
            edge |= {"strength": strength, "group": group}
        route.fulfill(json=found)

    who = reader(mini_address, "zh")
    for path in ("**/v1/courses/*/map", "**/v1/concepts/*/prerequisites?*", "**/v1/graph?*"):
        who.page.route(path, answer)
    page = who.visit(place("concept", MATRIX, before=3) if view == "concept" else VIEWS[view])
    drawn(page)
    soft, any_of = ([tuple(pair) for pair in page.evaluate(OF_EDGES, c)] for c in ("soft", "any"))
    assert (soft, any_of) == ([(VECTOR, MATRIX)], [(FUNCTION, MATRIX)])
    row = page.locator(f".concept-list li:has(a[href='{place('concept', FUNCTION)}'])")
    expect(row).to_contain_text("先于 矩阵（任选其一）")
    if view != "graph":  # whose legend is that of the fields
        expect(page.locator(".legend")).to_contain_text("任选其一即可")


def test_the_whole_graph_shows_every_concept_and_a_field_its_own(reader, mini_address):
    who = reader(mini_address, "zh")
    page = who.visit(VIEWS["graph"])
    everything = {row["id"] for row in miniature.MINI["entities/concept.json"]}
    assert drawn(page) == len(everything)
    assert listed(page) == names(everything)
    page.get_by_label("学科").select_option(label="数学 (4)")
    expect(page.locator(".canvas-box")).to_have_attribute("data-drawn", "4")
    who.settled()
    assert listed(page) == names({SET, FUNCTION, VECTOR, MATRIX})


def test_health_counts_the_cycle_and_leads_to_it(reader, mini_address):
    who = reader(mini_address, "zh")
    page = who.visit(VIEWS["health"])
    (cycle,) = [
        part for part in nx.strongly_connected_components(nx.DiGraph(EDGES)) if len(part) > 1
    ]
    tile = page.locator(".figures a", has_text="环上的概念")
    expect(tile).to_contain_text(str(len(cycle)))
    part = page.locator("section", has=page.get_by_role("heading", name="环", exact=True))
    assert names(cycle) <= set(part.locator(".chip").all_inner_texts())
    part.get_by_role("link", name="在图中显示").click()
    who.settled()
    expect(page.get_by_label("标出")).to_have_value("cycles")
    # the first in the list, and once each
    first = page.locator(".pair-list section").first
    expect(first.get_by_role("heading")).to_have_text(f"已标出：环（{len(cycle)}）")
    marked = first.locator(".concept-list .name")
    assert set(marked.all_inner_texts()) == names(cycle)
    everything = [row["id"] for row in miniature.MINI["entities/concept.json"]]
    assert page.locator(".concept-list .name").count() == len(everything)


@pytest.mark.parametrize("view", ["course", "graph", "marked"])
def test_on_a_phone_a_large_picture_is_drawn_only_when_it_is_asked_for(reader, mini_address, view):
    who = reader(mini_address, "zh", phone=True)
    page = who.visit(VIEWS[view])
    expect(page.locator(".concept-list").first).to_be_visible()
    expect(page.locator(".canvas-box")).to_have_count(0)
    page.get_by_role("button", name="图", exact=True).click()
    who.settled()
    expect(page.locator(".canvas-box")).to_be_visible()
    expect(page.locator(".concept-list").first).to_be_hidden()
    page.get_by_role("button", name="列表").click()
    expect(page.locator(".concept-list").first).to_be_visible()


def test_in_english_it_is_said_what_has_no_english_name(reader, mini_address):
    concepts = miniature.MINI["entities/concept.json"]
    without = [row for row in concepts if not row.get("en")]
    assert 0 < len(without) < len(concepts)
    page = reader(mini_address, "en").visit(VIEWS["graph"])
    said = f"{len(without)} of {len(concepts)} have no English name and stand in Chinese."
    expect(page.locator(".pair-list")).to_contain_text(said)
    chinese = page.locator(".concept-list .name[lang=zh-CN]")
    assert set(chinese.all_inner_texts()) == {row["name"] for row in without}
    page = reader(mini_address, "en").visit(place("concept", without[0]["id"]))
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"{without[0]['name']} no English name"
    )
    page = reader(mini_address, "zh").visit(place("concept", without[0]["id"]))
    expect(page.get_by_role("heading", level=1)).to_have_text(without[0]["name"])
    page = reader(mini_address, "en").visit(VIEWS["courses"])
    expect(page.locator("main")).to_contain_text("There are no English names for these.")


def test_health_lists_what_is_needed_and_has_nothing_to_open_on_it(reader, mini_address):
    def named(id_):
        return {"id": id_, "name": id_.split("_")[1], "name_en": ""}

    def answer(route):
        report = route.fetch().json()
        assert report["coverage"]["gaps"] == []  # there is a video on all of the miniature
        gaps = [(VECTOR, [MATRIX, FUNCTION], []), (SET, [], [MATRIX])]
        report["coverage"]["gaps"] = [
            {"concept": named(id_), "needed_by": [*map(named, needed)], "courses": [*map(named, c)]}
            for id_, needed, c in gaps
        ]
        alone = {"before": named(SET), "after": named(FUNCTION), "sources": ["designer"]}
        report["lone_alternatives"] = [alone]
        route.fulfill(json=report)

    who = reader(mini_address, "zh")
    who.page.route("**/v1/graph/health", answer)
    page = who.visit(VIEWS["health"])
    for summary, expected in (
        ("空缺", [["向量", "2", "0"], ["集合", "0", "1"]]),
        ("备选组中只有自己", [["集合", "函数"]]),
    ):
        part = page.locator("details", has_text=summary)
        part.locator("summary").click()
        rows = part.locator("tbody tr").all()
        assert [row.locator("td").all_inner_texts() for row in rows] == expected


def test_a_course_is_found_by_a_part_of_its_name(reader, mini_address):
    who = reader(mini_address, "zh")
    page = who.visit(VIEWS["courses"])
    expect(page.locator(".tile")).to_have_count(3)
    page.get_by_role("searchbox").fill("代数")
    expect(page.locator(".tile")).to_have_count(1)
    page.locator(".tile").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("线性代数")


def test_the_cypher_is_the_designers_question_with_this_views_values(reader, mini_address):
    page = reader(mini_address, "en").visit(VIEWS["concept"])
    page.get_by_role("button", name="Cypher").click()
    panel = page.get_by_role("dialog")
    for question in (pictures()["around_concept"], questions()["leads_to"]):
        panel.get_by_label("Question").select_option(label=question.asks)
        lines = [line for line in question.statement.split("\n") if ":param" not in line]
        text = panel.get_by_role("region", name="Cypher").inner_text()
        assert text == "\n".join(lines).replace("$concept_id", f"'{ALGORITHM}'")
    expect(panel.get_by_role("link", name="Open in Neo4j Browser")).to_have_count(0)


def test_where_the_graph_is_a_server_browser_opens_with_the_same_question(reader, serve, mini_home):
    address = serve(mini_home, neo4j_browser="http://graph.example:7474/browser/")
    page = reader(address, "en").visit(VIEWS["concept"])
    page.get_by_role("button", name="Cypher").click()
    shown = page.get_by_role("region", name="Cypher").inner_text()
    link = page.get_by_role("link", name="Open in Neo4j Browser").get_attribute("href")
    said = page.evaluate("link => Object.fromEntries(new URL(link).searchParams)", link)
    assert link.startswith("http://graph.example:7474/browser/?")
    assert said == {"cmd": "edit", "arg": shown}


def large_graph(n_concepts, n_edges):
    """What the service answers of a graph of this size, made by chance."""
    draw = random.Random(0)
    depth = sorted(min(int(draw.expovariate(0.25)), 20) for _ in range(n_concepts))
    concepts = [
        {"id": f"K_{k}", "name": f"概念{k}", "name_en": "", "field": "数学", "depth": depth[k]}
        for k in range(n_concepts)
    ]
    edges = set()
    while len(edges) < n_edges:
        a, b = sorted(draw.sample(range(n_concepts), 2))
        if depth[a] < depth[b]:
            edges.add((f"K_{a}", f"K_{b}"))
    return {
        "graph_version": "0",
        "total": n_concepts,
        "fields": {"数学": n_concepts},
        "concepts": concepts,
        "edges": [
            {"before": a, "after": b, "sources": ["dependency"], "strength": 1.0, "group": 0}
            for a, b in sorted(edges)
        ],
    }


FRAMES = """
() => {
  window.frames_ = [];
  let last = performance.now();
  const tick = (now) => {
    window.frames_.push(now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}
"""


def test_a_graph_of_2000_concepts_moves_smoothly(reader, mini_address, capsys):
    who = reader(mini_address, "zh")
    graph = large_graph(2_000, 5_000)
    who.page.route("**/v1/graph?*", lambda route: route.fulfill(json=graph))
    page = who.visit(VIEWS["graph"])
    assert drawn(page) == 2_000
    layout = page.evaluate("performance.getEntriesByName('kgplan:layout', 'measure')[0].duration")
    box = page.locator(".canvas-box").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.evaluate(FRAMES)
    page.mouse.down()
    for k in range(40):
        page.mouse.move(x + 4 * k, y + 2 * k)
    page.mouse.up()
    for _ in range(10):
        page.mouse.wheel(0, -60)
        page.wait_for_timeout(16)
    frames = sorted(page.evaluate("window.frames_.slice(1)"))
    middle, slow = frames[len(frames) // 2], frames[int(len(frames) * 0.95)]
    with capsys.disabled():
        print(
            f"\n2,000 concepts, 5,000 edges: layout {layout:.0f} ms; {len(frames)} frames,"
            f" median {middle:.0f} ms, 95 % {slow:.0f} ms"
        )
    assert middle < 100  # 16 ms are wanted; the machine may be busy, and draws without a GPU
