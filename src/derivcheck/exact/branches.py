"""The branch of a formula that holds at a point, as a formula of its own.

sqrt(max(0, u)) is the constant 0 where u < 0, and has derivatives there, although the chain rule reads 0**(-1/2)·0. So
where the plain derivative is undefined, the switches are resolved first: max and min become the chosen argument, abs(x)
becomes x or -x, sign, heaviside and floor a number, Piecewise the value of its case. What is not chosen is left out
altogether. The result has no switches and is differentiated like any other formula.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from derivcheck.exact.balls import Program
from derivcheck.exact.vicinity import Roundings
from derivcheck.symbolic.graph import Cases, Function, Graph, Logic, Product, Ref, Relation, Sum

CHOICE = ("max", "min", "mod")  # the last argument decides, and is no argument of the function
SWITCHES = ("abs", "sign", "heaviside", "floor", *CHOICE)
MOST_TIES = 4  # switches tied at one point: 16 sides, some milliseconds each

Choice = int | bool | None
Choices = dict[Ref, Choice]


class Branches:
    """Resolves the switches of one root at points. `u` is the unit roundoff that says when a switch is tied; with
    `reach`, also one that rounding may turn before its last sum."""

    def __init__(self, graph: Graph, root: Ref, u: float, *, reach: bool = True) -> None:
        self.graph, self.root = graph, root
        self.deciders = dict(self._deciders())
        """Each node that has branches, and the node whose value decides: a sign, a whole number or a condition."""
        self.program = Program(graph, list(self.deciders.values()), u, Roundings(graph, u) if reach else None)

    def _deciders(self) -> Iterator[tuple[Ref, Ref]]:
        for ref in self.graph.reachable([self.root]):
            match self.graph.nodes[ref]:
                case Function(head, arguments) if head in SWITCHES:
                    decider = "floor" if head in ("floor", "mod") else "sign"
                    yield ref, self.graph.node(Function(decider, arguments[-1:]))
                case Relation() | Logic():
                    yield ref, ref

    def choices(self, point: Sequence[float]) -> list[Choices]:
        """What is chosen at a point, on each side of the switches that are tied there; of too many, none."""
        _, tied = self.program.run(point)
        if len(tied) > MOST_TIES:
            return []
        sides = product((-1, 1), repeat=len(tied))
        return [self._chosen(point, dict(zip(sorted(tied), signs, strict=True))) for signs in sides]

    def ends(self, point: Sequence[float]) -> list[Choices]:
        """What is chosen with all tied switches on one side, and with all on the other; once if nothing is tied."""
        _, tied = self.program.run(point)
        return [self._chosen(point, dict.fromkeys(tied, side)) for side in ((-1, 1) if tied else (1,))]

    def _chosen(self, point: Sequence[float], sides: Mapping[Ref, int]) -> Choices:
        decided, _ = self.program.run(point, sides)
        return dict(zip(self.deciders, map(_choice, decided), strict=True))

    def branch(self, choices: Choices) -> tuple[Graph, Ref] | None:
        """The branch in a graph of its own, or None where a switch that matters is not decided."""
        try:
            needed = self.graph.reachable([self.root], lambda ref: self._chosen_arguments(ref, choices))
        except Undecided:
            return None
        graph, copy = Graph(), dict[Ref, Ref]()
        for ref in needed:
            copy[ref] = self._copied(graph, ref, choices, copy)
        return graph, copy[self.root]

    def _chosen_arguments(self, ref: Ref, choices: Choices) -> tuple[Ref, ...]:
        """The nodes that the branch of this node is made of."""
        match self.graph.nodes[ref]:
            case Function(head, arguments) if head in SWITCHES:
                side = choices[ref]
                if side is None:
                    raise Undecided
                if head in ("max", "min"):
                    return (arguments[_place(head, side)],)
                return arguments[:-1] if head in CHOICE else arguments if head == "abs" else ()
            case Cases() as cases:
                return (_value(cases, choices),)
        return self.graph.arguments(ref)

    def _copied(self, graph: Graph, ref: Ref, choices: Choices, copy: Mapping[Ref, Ref]) -> Ref:
        node, parts = self.graph.nodes[ref], self._chosen_arguments(ref, choices)
        match node:
            case Function(head, _) if head in SWITCHES:
                return _switched(graph, head, choices[ref] or 0, [copy[part] for part in parts])
            case Cases():
                return copy[parts[0]]
        return copied(graph, node, copy)


class Undecided(Exception):
    """A switch cannot be decided at a point."""


def copied(graph: Graph, node: Any, copy: Mapping[Ref, Ref]) -> Ref:
    """A node in another graph, where its arguments already are."""
    match node:
        case Sum(constant, terms):
            return graph.sum([(copy[t], c) for t, c in terms], constant)
        case Product(factors):
            return graph.product([(copy[f], e) for f, e in factors])
        case Function(head, arguments):
            return graph.node(Function(head, tuple(copy[a] for a in arguments)))
    return graph.node(node)


def _choice(value: Any) -> Choice:
    """A condition, or a whole number; None where the ball does not tell."""
    if value is None or isinstance(value, bool):
        return value
    whole = value.unique_fmpz() if value.is_exact() else None
    return None if whole is None else int(whole)


def _place(head: str, side: int) -> int:
    return int((side > 0) != (head == "max"))


def _value(cases: Cases, choices: Choices) -> Ref:
    """The value of the first case that holds."""
    for value, condition in cases.pairs():
        holds = choices[condition]
        if holds is None:
            break
        if holds:
            return value
    raise Undecided


def _switched(graph: Graph, head: str, side: int, parts: Sequence[Ref]) -> Ref:
    """The branch of a node with a switch: `parts` are the arguments that it depends on."""
    match head:
        case "max" | "min":
            return parts[0]
        case "abs":
            return graph.sum([(parts[0], 1 if side > 0 else -1)])
        case "mod":
            return graph.sum([(parts[0], 1), (parts[1], -side)])
        case "heaviside":
            return graph.product([(graph.number(side + 1), 1), (graph.number(2), -1)])
    return graph.number(side)
