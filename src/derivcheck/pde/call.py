"""`--call "pde(X, net(X))"`: how the code is called, read by an allow list over Python's `ast` and never evaluated."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from derivcheck.errors import ExpressionError, did_you_mean

HOW = 'Write a call such as "pde(X, net(X))": names, tuples, lists, dicts, strings and numbers.'
LONGEST = 1000  # characters: a call is one line
DEEPEST = 50  # levels of nesting, far below Python's own limit


class Call:
    """A call as text. `names` are those that it may use, which `run` gives a value."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self.text, self.names = text, names
        if len(text) > LONGEST:
            raise ExpressionError(text[:LONGEST], 0, 1, f"--call has more than {LONGEST} characters", HOW)
        try:
            self.tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise ExpressionError(text, 0, len(text), "--call is not a call", HOW) from None
        if not isinstance(self.tree, ast.Call):
            raise self._error(self.tree, "--call is not a call")
        self._require(self.tree, 0)

    def _error(self, node: ast.AST, cause: str, cure: str = HOW) -> ExpressionError:
        start = getattr(node, "col_offset", 0)
        return ExpressionError(
            self.text.strip(), start, getattr(node, "end_col_offset", start + 1) - start, cause, cure
        )

    def _require(self, node: ast.AST, depth: int) -> None:
        """Refuse whatever is not in the list."""
        if depth > DEEPEST:
            raise self._error(node, "--call is nested too deeply")
        if isinstance(node, ast.Name):
            self._require_name(node)
        elif isinstance(node, ast.Call):
            self._require_call(node)
        elif isinstance(node, ast.Constant):
            if type(node.value) not in (int, float, str, bool, type(None)):
                raise self._error(node, "this is neither a number nor a string")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            if not (isinstance(node.operand, ast.Constant) and type(node.operand.value) in (int, float)):
                raise self._error(node, "only a number may be negative")
        elif not isinstance(node, ast.Tuple | ast.List | ast.Dict | ast.keyword):
            raise self._error(node, "this is not part of a call")
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.expr_context | ast.unaryop):
                self._require(child, depth + 1)

    def _require_name(self, node: ast.Name) -> None:
        if node.id not in self.names:
            known = "; ".join(f"{name} is {meaning}" for name, meaning in self.names.items())
            raise self._error(
                node, f"{node.id} is not known here", did_you_mean(node.id, self.names) or f"Here {known}."
            )

    def _require_call(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Name):
            raise self._error(node.func, "only the function, the network and fields can be called")
        if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
            raise self._error(node, "arguments are written out one by one")
        if any(isinstance(key, type(None)) for d in ast.walk(node) if isinstance(d, ast.Dict) for key in d.keys):
            raise self._error(node, "arguments are written out one by one")

    def run(self, values: Mapping[str, Any]) -> Any:
        """Call it with these values of the names."""
        return _value(self.tree, values)


def _value(node: ast.AST, values: Mapping[str, Any]) -> Any:
    """What a node of an accepted tree is."""
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(operand=ast.Constant(value=value)):
            return -value  # type: ignore[operator]
        case ast.Tuple(elts=parts):
            return tuple(_value(part, values) for part in parts)
        case ast.List(elts=parts):
            return [_value(part, values) for part in parts]
        case ast.Dict(keys=keys, values=parts):
            pairs = zip(keys, parts, strict=True)
            return {_value(key, values): _value(part, values) for key, part in pairs if key is not None}
        case ast.Call(func=function, args=args, keywords=keywords):
            called: Callable[..., Any] = _value(function, values)
            named = {keyword.arg: _value(keyword.value, values) for keyword in keywords if keyword.arg is not None}
            return called(*(_value(argument, values) for argument in args), **named)
    raise AssertionError(node)
