"""Truncated power series in several variables: the arithmetic of Taylor mode.

A series is a tensor (M, ...) of coefficients c_β, one for every multi-index β of a set that with an index contains all
indices below it; ∂^β f = β!·c_β. Its operations are

    (a·b)_γ = Σ_{α+β=γ} a_α·b_β                                    the Cauchy product, which is Leibniz' rule
    g(u)    = t_0 + w·(t_1 + w·(t_2 + ...)),  w = u - u_0          t_k = g^(k)(u_0)/k!

The second is the formula of Faà di Bruno, summed by Horner's rule in the algebra of series: w has no constant term,
so w^(K+1) = 0 and K products suffice, however many terms the formula has when written out. The cost of all partials to
order K is a power of K, where nested differentiation is exponential
(Griewank & Walther, Evaluating Derivatives, 2008, ch. 13; Neidinger, SIAM Review 52, 2010).
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, product
from math import factorial, prod

import torch
from torch import Tensor

from derivcheck.multi_index import MultiIndex

# Numbers per coefficient from which one call of torch per product is faster than one call for all products, because the
# factors need not be gathered (measured on a CPU; a GPU is always faster with one call).
WIDE = 1024


class Products:
    """Σ a_left·b_right: the pairs (left, right) that belong to each of the `count` places of the result."""

    def __init__(self, triples: Iterable[tuple[int, int, int]], count: int) -> None:
        ordered = sorted(triples, key=lambda triple: triple[2])
        self.pairs: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for left, right, place in ordered:
            self.pairs[place].append((left, right))
        self.ends = list(accumulate(map(len, self.pairs)))
        self._table = torch.tensor(ordered, dtype=torch.long).reshape(-1, 3).T.contiguous()
        self._placed = {self._table.device: self._table}

    def sum(self, a: Tensor, b: Tensor, count: int, finite: bool = True) -> Tensor:
        """The first `count` places. Unless `finite`, 0 in b times an infinite a is 0."""
        a, b, shape = a.detach(), b.detach(), torch.broadcast_shapes(a.shape[1:], b.shape[1:])
        if finite and prod(shape) >= WIDE and a.device.type == "cpu":
            return self._one_by_one(a, b, a.new_zeros((count, *shape)))
        return self._together(a, b, count, finite)

    def _one_by_one(self, a: Tensor, b: Tensor, result: Tensor) -> Tensor:
        for total, pairs in zip(result, self.pairs, strict=False):
            for left, right in pairs:
                total.addcmul_(a[left], b[right])
        return result

    def _together(self, a: Tensor, b: Tensor, count: int, finite: bool) -> Tensor:
        if a.device not in self._placed:
            self._placed[a.device] = self._table.to(a.device)
        left, right, place = self._placed[a.device][:, : self.ends[count - 1]]
        factor = b[right]
        terms = a[left] * factor
        terms = terms if finite else torch.where(factor == 0, torch.zeros_like(terms), terms)
        return terms.new_zeros((count, *terms.shape[1:])).index_add(0, place, terms)


class Algebra:
    """Series over one set of multi-indices, the zero index first."""

    def __init__(self, partials: Iterable[MultiIndex]) -> None:
        below = {beta for alpha in partials for beta in product(*(range(k + 1) for k in alpha))}
        self.indices: tuple[MultiIndex, ...] = tuple(sorted(below, key=lambda a: (sum(a), a)))
        self.place = {alpha: k for k, alpha in enumerate(self.indices)}
        self.order = sum(self.indices[-1])
        triples = [
            (i, j, self.place[total])
            for i, a in enumerate(self.indices)
            for j, b in enumerate(self.indices)
            if (total := tuple(map(sum, zip(a, b, strict=True)))) in self.place
        ]
        self.cauchy = Products(triples, len(self.indices))
        self._lifts = Products((t for t in triples if t[1]), len(self.indices))
        orders = [sum(alpha) for alpha in self.indices]
        self._indices_to = [sum(k <= order for k in orders) for order in range(self.order + 1)]

    def __len__(self) -> int:
        return len(self.indices)

    def constant(self, value: Tensor) -> Tensor:
        """The series of a number: shape (...) -> (M, ...)."""
        return torch.cat([value.unsqueeze(0), value.new_zeros((len(self) - 1, *value.shape))])

    def variable(self, j: int, value: Tensor, step: Tensor) -> Tensor:
        """The series of x_j + step·h_j, a constant if no partial is by x_j."""
        series = self.constant(value)
        unit = tuple(int(i == j) for i in range(len(self.indices[0])))
        if unit in self.place:
            series[self.place[unit]] = step
        return series

    def multiply(self, a: Tensor, b: Tensor) -> Tensor:
        """The Cauchy product of two series whose shapes after the first axis broadcast."""
        return self.cauchy.sum(a, b, len(self))

    def compose(self, taylor: Sequence[Tensor], u: Tensor) -> Tensor:
        """g(u) from g's own Taylor coefficients t_0, ..., t_K at u_0, by Horner's rule."""
        finite = not u.is_cuda and all(bool(t.isfinite().all()) for t in taylor)  # on CUDA, asking would wait for it
        result = taylor[self.order].unsqueeze(0)
        for k in reversed(range(self.order)):
            result = self.lifted(result, u, self.order - k, finite)
            result[0] = taylor[k]
        return result

    def lifted(self, a: Tensor, u: Tensor, order: int, finite: bool) -> Tensor:
        """a·w for w = u - u_0, to this order: each further factor w raises it by one, so Horner's rule needs no more.

        Where w is 0, so is a·w, even for an infinite a: sqrt(x) + y at x = 0 has a value and a derivative by y.
        """
        return self._lifts.sum(a, u, self._indices_to[order], finite)

    def partial(self, series: Tensor, alpha: MultiIndex) -> Tensor:
        """∂^α = α!·c_α."""
        return series[self.place[alpha]] * float(prod(map(factorial, alpha)))
