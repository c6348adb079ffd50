"""What leads to a concept, as edges and as a picture in columns, foundation on the left."""

from dataclasses import dataclass

from kgplan.errors import UnknownConcept
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.report.markup import escape
from kgplan.report.plan_picture import FONT, INK, LINE, PAPER, SOFT, columns, shorten

BOX_WIDTH, BOX_HEIGHT, COLUMN, ROW, MARGIN = 150, 34, 220, 48, 48
NAME_COLUMNS = 18


@dataclass(frozen=True, repr=False)
class Chain:
    """The concepts that lead to one, and the prerequisite edges among them.

    Attributes:
        concept_id: where the chain ends.
        names: id -> name of every concept in it.
        steps: id -> fewest steps from there to the end; 0 for the end itself.
        edges: (prerequisite, concept) ids.
    """

    concept_id: str
    names: dict[str, str]
    steps: dict[str, int]
    edges: list[tuple[str, str]]

    def __repr__(self) -> str:
        return f"<{len(self.names):,} concepts and {len(self.edges):,} edges to {self.concept_id}>"

    def _repr_svg_(self) -> str:
        return draw(self)


def chain_of(graph: GraphSnapshot, concept_id: str, depth: int) -> Chain:
    """Walk back from a concept, a layer at a time; cycles end where they close.

    Args:
        graph: to walk in.
        concept_id: where the chain ends.
        depth: layers of prerequisites.

    Raises:
        UnknownConcept: no such id; the error holds close matches.
    """
    ids = graph.concepts.names
    requires = graph.prerequisites
    steps = {graph.concepts.place(concept_id, UnknownConcept): 0}
    layer = list(steps)
    for step in range(1, depth + 1):
        found = {
            int(before)
            for now in layer
            for before in requires.indices[requires.indptr[now] : requires.indptr[now + 1]]
        }
        layer = sorted(found - steps.keys())
        steps |= dict.fromkeys(layer, step)
    members = [ids[k] for k in steps]
    return Chain(
        concept_id,
        {ids[k]: str(graph.concept_names[k]) for k in steps},
        {ids[k]: step for k, step in steps.items()},
        graph.prerequisites_among(members),
    )


def draw(chain: Chain) -> str:
    """The chain as SVG: a column for each number of steps, arrows from prerequisites."""
    deepest = max(chain.steps.values())
    layers: list[list[str]] = [[] for _ in range(deepest + 1)]
    for concept_id in sorted(chain.steps):
        layers[deepest - chain.steps[concept_id]].append(concept_id)
    tallest = max(map(len, layers))
    width = 2 * MARGIN + COLUMN * deepest + BOX_WIDTH
    height = 2 * MARGIN + ROW * tallest
    place = {
        concept_id: (
            MARGIN + COLUMN * column,
            MARGIN + ROW * (row + (tallest - len(layer)) / 2),
        )
        for column, layer in enumerate(layers)
        for row, concept_id in enumerate(layer)
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" font-family="{FONT}">',
        f"<title>{escape(f'What leads to {chain.names[chain.concept_id]}')}</title>",
        '<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6"'
        f' markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8z" fill="{SOFT}"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
    ]
    for before, after in chain.edges:
        (x1, y1), (x2, y2) = place[before], place[after]
        # forward from side to side; within a column or back, around the left
        start, end = (x1 + BOX_WIDTH, x2) if x1 < x2 else (x1, x2)
        middle = (start + end) / 2 if x1 < x2 else min(x1, x2) - MARGIN + 8
        parts.append(
            f'<path d="M{start} {y1 + BOX_HEIGHT / 2:z.0f}C{middle} {y1 + BOX_HEIGHT / 2:z.0f}'
            f' {middle} {y2 + BOX_HEIGHT / 2:z.0f} {end} {y2 + BOX_HEIGHT / 2:z.0f}" fill="none"'
            f' stroke="{LINE}" stroke-width="1.3" marker-end="url(#to)"/>'
        )
    for concept_id, (x, y) in place.items():
        name = shorten(chain.names[concept_id], NAME_COLUMNS)
        weight = 700 if concept_id == chain.concept_id else 400
        size = 14 if columns(name) < NAME_COLUMNS else 12
        parts.append(
            f'<rect x="{x}" y="{y:z.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"'
            f' fill="#ffffff" stroke="{SOFT}"/><text x="{x + BOX_WIDTH / 2}"'
            f' y="{y + BOX_HEIGHT / 2 + 5:z.0f}" text-anchor="middle" font-size="{size}"'
            f' font-weight="{weight}" fill="{INK}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])
