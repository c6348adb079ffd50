"""Do the triples keep the rules of `etl/shapes.py`, and what is left when they must?

pySHACL finds what breaks a rule. Here the rule's severity becomes an action, dropped triples make
others dangle and so on until nothing more falls, and prerequisite cycles are named.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from itertools import count
from typing import Any

import numpy as np
from pyshacl import validate
from rdflib import DCTERMS, OWL, RDF, SH, Graph, URIRef
from rdflib.collection import Collection
from rdflib.namespace import NamespaceManager
from rdflib.term import Node
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from kgplan.arrays import Ints
from kgplan.errors import ConfigError, ConstraintViolation
from kgplan.etl.rdf import KG, KGC, Triple, short_name, terms
from kgplan.etl.shapes import shapes_text
from kgplan.graph.schema import GraphSchema, graph_schema
from kgplan.progress import Progress, silent


class Severity(StrEnum):
    """What a finding leads to."""

    WARN = "warn"
    """The triples are kept."""
    DROP = "drop"
    """The offending triples are left out."""
    STOP = "stop"
    """Nothing may be written."""


SEVERITIES: Mapping[Node, Severity] = {
    SH.Info: Severity.WARN,
    SH.Warning: Severity.WARN,
    SH.Violation: Severity.DROP,
    KGC.Stop: Severity.STOP,
}


@dataclass(frozen=True)
class Violation:
    """One finding: which node breaks which rule.

    Attributes:
        rule: local name of the shape.
        constraint: the part of the shape that is broken, such as MinCount or Class.
        severity: what it led to.
        node: IRI of the focus node, or the literal's text.
        node_id, node_name: MOOCCube's id and name of it; both ends for the record of a pair.
        message: the rule, as a sentence.
        path: the property whose values break it; None where the node as such does.
        value: id, IRI or text of the value that breaks it, where it is one value.
        value_name: that value's name, where it is an entity.
        dropped: the offending triples, where they were dropped.
        round: 1 where the data breaks the rule, more where it does so only after earlier drops.
    """

    rule: str
    constraint: str
    severity: Severity
    node: str
    node_id: str | None
    node_name: str | None
    message: str
    path: str | None
    value: str | None
    value_name: str | None
    dropped: tuple[str, ...]
    round: int

    def __str__(self) -> str:
        node = f"{self.node_id} ({self.node_name})" if self.node_id else self.node
        value = f"{self.value} ({self.value_name})" if self.value_name else self.value
        where = f"{node}, {self.path}" if self.path else node
        return f"{self.rule}: {self.message}; at {where}" + (f": {value}" if value else "")


@dataclass(frozen=True)
class Cycle:
    """Concepts that are, directly or through others, each other's prerequisites.

    Attributes:
        concepts: (id, name) of each, by id.
        pairs: (before id, after id, sources) of each prerequisite between two of them.
    """

    concepts: tuple[tuple[str, str], ...]
    pairs: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class CheckResult:
    """What is left to load, and what was found on the way.

    Attributes:
        triples: N-Triples lines kept, in their order.
        violations: sorted by rule, node and value.
        classes: class -> number of its entities kept.
        properties: property -> number of its triples kept.
        cycles: largest first; they stop nothing.
        n_dropped: triples left out, each counted once.
        rounds: validations until nothing more fell.
    """

    triples: list[str]
    violations: list[Violation]
    classes: dict[str, int]
    properties: dict[str, int]
    cycles: list[Cycle]
    n_dropped: int
    rounds: int

    def report(self) -> dict[str, Any]:
        """All but the triples, for a JSON file; the same for the same triples."""
        by_rule = Counter(violation.rule for violation in self.violations)
        return {
            "n_triples": len(self.triples),
            "n_dropped": self.n_dropped,
            "rounds": self.rounds,
            "classes": self.classes,
            "properties": self.properties,
            "violations_by_rule": dict(sorted(by_rule.items())),
            "violations": [asdict(violation) for violation in self.violations],
            "cycles": [asdict(cycle) for cycle in self.cycles],
        }


@dataclass(frozen=True)
class _Finding:
    """A validation result before its severity is applied."""

    shape: Node
    component: Node
    node: Node
    value: Node | None
    path: Node | None


def check_constraints(
    triples: Sequence[str],
    severities: Mapping[str, str] | None = None,
    progress: Progress = silent,
    schema: GraphSchema | None = None,
) -> CheckResult:
    """Validate triples against all rules and act by severity.

    A dropped triple may leave others without an end, so the validation is repeated until nothing
    more falls.

    Args:
        triples: N-Triples lines without repeats.
        severities: rule -> "warn", "drop" or "stop", instead of what the rule declares.
        progress: called after each round with its name, triples left and triples in all.
        schema: the classes and relations that there may be; None: those of kgplan's ontology.

    Raises:
        ConstraintViolation: a rule that stops is broken.
        ConfigError: `severities` names no rule or no severity.
        InputError: the lines are not N-Triples.
    """
    shapes = _shapes(schema or graph_schema())
    actions = _actions(shapes, severities or {})
    line_of = dict(zip(terms(triples), triples, strict=True))
    graph = Graph()
    graph.namespace_manager = _FullIris(graph, bind_namespaces="none")
    graph.addN((*triple, graph) for triple in line_of)
    names = _Names(graph)
    dropped: dict[_Finding, Violation] = {}
    for round_ in count(1):
        findings = _validate(graph, shapes)
        falling: set[Triple] = set()
        found: dict[_Finding, Violation] = {}
        for finding in findings:
            offending: set[Triple] = set()
            if actions[finding.shape] is Severity.DROP:
                offending = _offending(finding, graph, shapes, falling, line_of)
                falling |= offending
            lines = tuple(sorted(line_of[triple] for triple in offending))
            found[finding] = names.describe(finding, shapes, actions[finding.shape], lines, round_)
        _refuse(v for v in found.values() if v.severity is Severity.STOP)
        dropped = {f: v for f, v in found.items() if v.severity is Severity.DROP} | dropped
        for triple in falling:
            graph.remove(triple)
        progress(f"round {round_}", len(graph), len(line_of))
        if not falling:
            break
    # A warning may fall with its node: only those of the last round are true of what is left.
    warned = [v for v in found.values() if v.severity is Severity.WARN]
    kept = [line for triple, line in line_of.items() if triple in graph]
    return CheckResult(
        kept,
        sorted([*dropped.values(), *warned], key=_order),
        _counted(short_name(str(class_)) for class_ in graph.objects(None, RDF.type)),
        _counted(short_name(str(p)) for p in graph.predicates() if p != RDF.type),
        _cycles(graph, names),
        len(line_of) - len(kept),
        round_,
    )


def check_severities(chosen: Mapping[str, str]) -> None:
    """Refuse, before any work, what `check_constraints` would refuse.

    Raises:
        ConfigError: `chosen` names no rule or no severity.
    """
    _actions(_shapes(graph_schema()), chosen)


def declared_severities() -> dict[str, Severity]:
    """Every rule and what breaking it leads to."""
    return {
        _rule(shape): severity for shape, severity in _actions(_shapes(graph_schema()), {}).items()
    }


def prerequisite_cycles(before: Ints, after: Ints, n_concepts: int) -> list[Ints]:
    """Which concepts lie on cycles: strongly connected components of the prerequisite pairs.

    Found by an iteration over the whole graph [tarjan1972, in SciPy], so that a cycle of any
    length neither hangs nor overflows a stack.

    Args:
        before, after: (N,) positions of each pair's prerequisite and of what needs it.
        n_concepts: K.

    Returns:
        One sorted array of positions per component that holds a cycle; by size, largest first,
        then by the first position.

    >>> prerequisite_cycles(np.array([0, 1, 2, 3]), np.array([1, 0, 1, 3]), 5)
    [array([0, 1]), array([3])]
    """
    pairs = csr_array((np.ones(before.size), (before, after)), shape=(n_concepts, n_concepts))
    _, component = connected_components(pairs, directed=True, connection="strong")
    members = np.split(np.argsort(component, kind="stable"), np.cumsum(np.bincount(component))[:-1])
    own = set(before[before == after].tolist())
    cyclic = [m for m in members if m.size > 1 or (m.size == 1 and int(m[0]) in own)]
    return sorted(cyclic, key=lambda m: (-m.size, int(m[0])))


class _FullIris(NamespaceManager):
    """Writes IRIs in full.

    pySHACL words a finding for each node, also within sh:not, and to abbreviate an IRI rdflib walks
    over all namespaces it has met: with as many of those as nodes the check would be quadratic.
    """

    def normalizeUri(self, rdfTerm: str) -> str:
        return f"<{rdfTerm}>"


def _shapes(schema: GraphSchema) -> Graph:
    return Graph().parse(data=shapes_text(schema), format="turtle")


def _rule(shape: Node) -> str:
    return str(shape).removeprefix(str(KGC))


def _actions(shapes: Graph, chosen: Mapping[str, str]) -> dict[Node, Severity]:
    """Shape -> what breaking it leads to; `chosen` wins over what the shape declares."""
    actions: dict[Node, Severity] = {
        shape: SEVERITIES[declared] for shape, declared in shapes.subject_objects(SH.severity)
    }
    for rule, severity in chosen.items():
        if KGC[rule] not in actions:
            near = get_close_matches(rule, map(_rule, actions))
            hint = f"; close matches: {', '.join(near)}" if near else ""
            raise ConfigError(f"constraints.ttl has no rule {rule!r}{hint}")
        if severity not in list(Severity):
            allowed = ", ".join(Severity)
            raise ConfigError(f"rule {rule} cannot be set to {severity!r}; choose from {allowed}")
        actions[KGC[rule]] = Severity(severity)
    return actions


def _validate(graph: Graph, shapes: Graph) -> list[_Finding]:
    """All findings in one order; those of too many values last, see `_offending`."""
    _, report, _ = validate(graph, shacl_graph=shapes, inplace=True)

    def part(result: Node, name: URIRef) -> Any:
        return report.value(result, name)

    findings = {
        _Finding(
            part(result, SH.sourceShape),
            part(result, SH.sourceConstraintComponent),
            part(result, SH.focusNode),
            part(result, SH.value),
            shapes.value(part(result, SH.sourceShape), SH.path) or part(result, SH.resultPath),
        )
        for result in report.objects(None, SH.result)
    }
    return sorted(
        findings,
        key=lambda f: (
            f.component == SH.MaxCountConstraintComponent,
            *map(str, (f.shape, f.component, f.node, f.value)),
        ),
    )


def _refuse(stopping: Iterable[Violation]) -> None:
    found = sorted(stopping, key=_order)
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise ConstraintViolation(
            f"{found[0]}{more}; mend the data, or set the rule's severity to drop or warn"
        )


def _order(violation: Violation) -> tuple[str, ...]:
    v = violation
    return v.rule, v.node, v.constraint, v.path or "", v.value or ""


def _offending(
    finding: _Finding,
    graph: Graph,
    shapes: Graph,
    falling: set[Triple],
    line_of: Mapping[Triple, str],
) -> set[Triple]:
    """The triples without which this finding would not be.

    - A pair that must differ or agree (sh:disjoint, sh:equals): the pair, as the shape's property.
    - A value that its property may not have: the value's triple.
    - Too many values: of those that do not fall already all but the first, in code point order,
      so that the choice is always the same.
    - Else, such as a missing value: what put the node under this rule. For a class that is all that
      is said of the node, for a property the node's triples of that property.
    """
    node, value = finding.node, finding.value
    path = finding.path
    inverse = shapes.value(path, SH.inversePath) if path is not None else None
    pairs: dict[Node, URIRef] = {
        SH.DisjointConstraintComponent: SH.disjoint,
        SH.EqualsConstraintComponent: SH.equals,
    }
    if finding.component in pairs:
        other = shapes.value(finding.shape, pairs[finding.component])
        return set(graph.triples((node, other, value)))
    if isinstance(path, URIRef) or inverse is not None:
        if finding.component == SH.MaxCountConstraintComponent:
            allowed = int(str(shapes.value(finding.shape, SH.maxCount)))
            values = (None, inverse, node) if inverse is not None else (node, path, None)
            standing = set(graph.triples(values)) - falling
            return set(sorted(standing, key=line_of.__getitem__)[allowed:])
        if value is not None:
            one = (value, inverse, node) if inverse is not None else (node, path, value)
            return set(graph.triples(one))
    offending: set[Triple] = set()
    if set(shapes.objects(finding.shape, SH.targetClass)) & set(graph.objects(node, RDF.type)):
        offending.update(graph.triples((node, None, None)))
    for predicate in shapes.objects(finding.shape, SH.targetSubjectsOf):
        offending.update(graph.triples((node, predicate, None)))
    for predicate in shapes.objects(finding.shape, SH.targetObjectsOf):
        offending.update(graph.triples((None, predicate, node)))
    return offending


class _Names:
    """Ids and names of the entities as they came in: a dropped one is named too."""

    def __init__(self, graph: Graph) -> None:
        self.id_of = _first(graph.subject_objects(KG.id))
        self.name_of = _first(graph.subject_objects(KG.name))
        self.ends_of = {
            axiom: (source, target)
            for axiom, source in graph.subject_objects(OWL.annotatedSource)
            for target in graph.objects(axiom, OWL.annotatedTarget)
        }

    def id(self, node: Node) -> str | None:
        """MOOCCube's id; for the record of a pair both ids."""
        if node in self.ends_of:
            return " -> ".join(map(self.id_or_iri, self.ends_of[node]))
        return self.id_of.get(node)

    def id_or_iri(self, node: Node) -> str:
        """The id; the IRI where there is none."""
        return self.id(node) or str(node)

    def name(self, node: Node) -> str | None:
        """The name to show; for the record of a pair both names."""
        if node in self.ends_of:
            return " -> ".join(self.name(end) or str(end) for end in self.ends_of[node])
        return self.name_of.get(node)

    def describe(
        self,
        finding: _Finding,
        shapes: Graph,
        severity: Severity,
        dropped: tuple[str, ...],
        round_: int,
    ) -> Violation:
        """A finding in words."""
        path = finding.path
        value = finding.value if finding.value != finding.node else None
        return Violation(
            rule=_rule(finding.shape),
            constraint=short_name(str(finding.component)).removesuffix("ConstraintComponent"),
            severity=severity,
            node=str(finding.node),
            node_id=self.id(finding.node),
            node_name=self.name(finding.node),
            message=str(shapes.value(finding.shape, SH.message)),
            path=None if path is None else _path_text(path, shapes),
            value=None if value is None else self.id_or_iri(value),
            value_name=None if value is None else self.name(value),
            dropped=dropped,
            round=round_,
        )


def _first(pairs: Iterable[tuple[Node, Node]]) -> dict[Node, str]:
    """Node -> its first value in code point order."""
    return {node: str(value) for node, value in sorted(pairs, key=str, reverse=True)}


def _path_text(path: Node, shapes: Graph) -> str:
    """A property path as in SPARQL."""
    if isinstance(path, URIRef):
        return short_name(str(path))
    inverse = shapes.value(path, SH.inversePath)
    if inverse is not None:
        return f"^{_path_text(inverse, shapes)}"
    either = shapes.value(path, SH.alternativePath)
    if either is not None:
        return "|".join(_path_text(one, shapes) for one in Collection(shapes, either))
    return "/".join(_path_text(step, shapes) for step in Collection(shapes, path))


def _counted(terms_: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(terms_).items()))


def _cycles(graph: Graph, names: _Names) -> list[Cycle]:
    pairs = list(graph.subject_objects(KG.dependencyPrerequisite))
    if not pairs:
        return []
    sources: defaultdict[tuple[Node, Node], set[str]] = defaultdict(set)
    for axiom, source in graph.subject_objects(DCTERMS.source):
        if axiom in names.ends_of:
            sources[names.ends_of[axiom]].add(str(source))
    concepts = sorted({concept for pair in pairs for concept in pair}, key=names.id_or_iri)
    at = {concept: position for position, concept in enumerate(concepts)}
    before, after = np.array([[at[b], at[a]] for b, a in pairs]).T
    cycles = []
    for members in prerequisite_cycles(before, after, len(concepts)):
        inside = [concepts[position] for position in members]
        here = set(inside)
        named = [(names.id_or_iri(c), names.name(c) or "") for c in inside]
        between = sorted(
            (names.id_or_iri(b), names.id_or_iri(a), tuple(sorted(sources[b, a])))
            for b in inside
            for a in graph.objects(b, KG.dependencyPrerequisite)
            if a in here
        )
        cycles.append(Cycle(tuple(named), tuple(between)))
    return cycles
