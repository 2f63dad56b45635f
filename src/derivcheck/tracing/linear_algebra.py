"""Linear algebra on small matrices, unrolled.

Determinants are Laplace expansions over subsets of columns, and inverses and solutions are Cramer's rule over them:
they choose no pivot, so they are right at every point, which an elimination whose pivot vanishes somewhere is not. A
matrix of n rows takes n·2^n products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from derivcheck.errors import Unsupported
from derivcheck.tracing.arrays import Arrays
from derivcheck.tracing.kinds import Rule
from derivcheck.tracing.reductions import summed
from derivcheck.tracing.special import absolute, log, sign, sqrt
from derivcheck.tracing.values import Value, number_value

MOST_ROWS = 6  # of a matrix: 384 products for a determinant, some thousands for an inverse

Matrix = list[list[Value]]


def determinant(matrix: Matrix) -> Value:
    """Expanded along the first row, then along the first of what is left; minors of the same columns are one."""
    count = len(matrix)

    @cache
    def minor(row: int, columns: tuple[int, ...]) -> Value:
        if row == count - 1:
            return matrix[row][columns[0]]
        terms = []
        for k, column in enumerate(columns):
            entry = matrix[row][column]
            if entry.number != 0:
                rest = minor(row + 1, columns[:k] + columns[k + 1 :])
                terms.append(entry * rest if k % 2 == 0 else -entry * rest)
        return summed(terms) if terms else matrix[0][0].of(0)

    return minor(0, tuple(range(count)))


def cofactor(matrix: Matrix, i: int, j: int) -> Value:
    """(-1)^(i+j) times the determinant without row i and column j."""
    rest = [row[:j] + row[j + 1 :] for k, row in enumerate(matrix) if k != i]
    found = determinant(rest) if rest else matrix[0][0].of(1)
    return found if (i + j) % 2 == 0 else -found


def inverse(matrix: Matrix) -> Matrix:
    """The transposed cofactors over the determinant."""
    whole, places = determinant(matrix), range(len(matrix))
    return [[cofactor(matrix, j, i) / whole for j in places] for i in places]


def times(a: Matrix, b: Matrix) -> Matrix:
    return [[summed([x * row[j] for x, row in zip(line, b, strict=True)]) for j in range(len(b[0]))] for line in a]


def cholesky(matrix: Matrix) -> Matrix:
    """The lower triangle L with L·Lᵀ the matrix, of which the lower triangle is read."""
    zero = number_value(matrix[0][0].graph, 0)
    lower: Matrix = [[zero] * len(matrix) for _ in matrix]
    for i, row in enumerate(matrix):
        for j in range(i + 1):
            rest = row[j] - summed([lower[i][k] * lower[j][k] for k in range(j)] or [zero])
            lower[i][j] = sqrt(rest) if i == j else rest / lower[j][j]
    return lower


def triangular(matrix: Matrix, right: Matrix, upper: bool, unitriangular: bool) -> Matrix:
    """X with A·X = B for a triangular A, whose other half is not read."""
    count, solved = len(matrix), dict[int, list[Value]]()
    for i in reversed(range(count)) if upper else range(count):
        line = list(right[i])
        for k, known in solved.items():
            line = [x - matrix[i][k] * y for x, y in zip(line, known, strict=True)]
        solved[i] = line if unitriangular else [x / matrix[i][i] for x in line]
    return [solved[i] for i in range(count)]


def each_matrix(arrays: Arrays, function: Callable[..., Matrix], *operands: Tensor) -> Tensor:
    """A function of matrices applied to refs (..., n, m), with broadcasting in front."""
    batch = torch.broadcast_shapes(*(operand.shape[:-2] for operand in operands))
    if max(operand.shape[-2] for operand in operands) > MOST_ROWS:
        raise Unsupported(f"is of a matrix of more than {MOST_ROWS} rows, which has no short formula")
    flat = [
        operand.expand(*batch, *operand.shape[-2:]).reshape(-1, *operand.shape[-2:]).tolist() for operand in operands
    ]
    made = []
    for matrices in zip(*flat, strict=True):
        values = [[[Value(arrays.graph, ref) for ref in row] for row in matrix] for matrix in matrices]
        made.append([[value.ref for value in row] for row in function(*values)])
    return torch.tensor(made, dtype=torch.int64).reshape(*batch, len(made[0]), -1)


def of_matrix(function: Callable[[Matrix], Matrix]) -> Rule:
    """An operation on square matrices; its first result has a formula."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        return each_matrix(arrays, function, arrays.numbers(args[0]))

    return rule


def of_determinant(*functions: Callable[[Value], Value]) -> Rule:
    """Numbers made of the determinant of each matrix."""

    def rule(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        found = each_matrix(arrays, lambda m: [[determinant(m)]], arrays.numbers(args[0]))[..., 0, 0]
        return tuple(arrays.each(function, found) for function in functions)

    return rule


def _solve(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    matrix, right = arrays.numbers(args[0]), arrays.numbers(args[1])
    left = kwargs.get("left", args[2] if len(args) > 2 else True)
    is_vector = right.ndim == 1 or (right.ndim == matrix.ndim - 1 and right.shape == matrix.shape[:-1])
    columns = right.unsqueeze(-1) if is_vector else right
    if left:
        found = each_matrix(arrays, lambda a, b: times(inverse(a), b), matrix, columns)
    else:
        found = each_matrix(arrays, lambda a, b: times(b, inverse(a)), matrix, columns)
    return found.squeeze(-1) if is_vector else found


def _cholesky(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    upper, refs = kwargs.get("upper", args[1] if len(args) > 1 else False), arrays.numbers(args[0])
    lower = each_matrix(arrays, cholesky, refs.mT if upper else refs)
    return lower.mT if upper else lower


def _triangular_solve(arrays: Arrays, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """linalg_solve_triangular(A, B, *, upper, left=True, unitriangular=False)"""
    matrix, right, upper = arrays.numbers(args[0]), arrays.numbers(args[1]), bool(kwargs["upper"])
    is_left, ones = kwargs.get("left", True), kwargs.get("unitriangular", False)
    if not is_left:
        matrix, right, upper = matrix.mT, right.mT, not upper
    found = each_matrix(arrays, lambda a, b: triangular(a, b, upper, ones), matrix, right)
    return found if is_left else found.mT


LINEAR_ALGEBRA: dict[str, Rule] = {
    "_linalg_det": of_determinant(lambda d: d),
    "_linalg_slogdet": of_determinant(sign, lambda d: log(absolute(d))),
    "linalg_inv_ex": of_matrix(inverse),
    "_linalg_solve_ex": _solve,
    "linalg_cholesky_ex": _cholesky,
    "cholesky": _cholesky,
    "linalg_solve_triangular": _triangular_solve,
}
