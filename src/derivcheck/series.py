"""Truncated power series in several variables: the arithmetic of Taylor mode.

A series is a tensor (M, ...) of coefficients c_β, one for every multi-index β of a set that holds whatever is below one
of its own; ∂^β f = β!·c_β. With it go

    (a·b)_γ = Σ_{α+β=γ} a_α·b_β                                    the Cauchy product, which is Leibniz' rule
    g(u)    = t_0 + w·(t_1 + w·(t_2 + ...)),  w = u - u_0          t_k = g^(k)(u_0)/k!

The second is the formula of Faà di Bruno, summed by Horner's rule in the algebra of series: w has no constant term,
so w^(K+1) = 0 and K products suffice, however many terms the formula has when written out. The cost of all partials to
order K is a power of K, where nested differentiation is exponential
(Griewank & Walther, Evaluating Derivatives, 2008, ch. 13; Neidinger, SIAM Review 52, 2010).
"""

from collections.abc import Iterable, Sequence
from itertools import product
from math import factorial, prod

import torch
from torch import Tensor

from derivcheck.multi_index import MultiIndex


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
        self.left, self.right, self.sum = torch.tensor(triples).T.contiguous()
        lifts = sorted((t for t in triples if t[1]), key=lambda t: t[2])
        self.lifts = torch.tensor(lifts, dtype=torch.long).reshape(-1, 3).T.contiguous()
        orders = [sum(alpha) for alpha in self.indices]
        self.indices_to = [sum(k <= order for k in orders) for order in range(self.order + 1)]
        self.lifts_to = [sum(orders[t[2]] <= order for t in lifts) for order in range(self.order + 1)]

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def products(self) -> int:
        """Multiplications in one Cauchy product."""
        return len(self.left)

    def constant(self, value: Tensor) -> Tensor:
        """The series of a number: shape (...) -> (M, ...)."""
        return torch.cat([value.unsqueeze(0), value.new_zeros((len(self) - 1, *value.shape))])

    def variable(self, j: int, value: Tensor, step: Tensor) -> Tensor:
        """The series of x_j + step·h_j, constant where no partial is by x_j."""
        series = self.constant(value)
        unit = tuple(int(i == j) for i in range(len(self.indices[0])))
        if unit in self.place:
            series[self.place[unit]] = step
        return series

    def multiply(self, a: Tensor, b: Tensor) -> Tensor:
        """The Cauchy product of two series of the same shape behind the first axis, up to broadcasting."""
        terms = a[self.left.to(a.device)] * b[self.right.to(b.device)]
        return terms.new_zeros((len(self), *terms.shape[1:])).index_add(0, self.sum.to(a.device), terms)

    def compose(self, taylor: Sequence[Tensor], u: Tensor) -> Tensor:
        """g(u) from g's own Taylor coefficients t_0, ..., t_K at u_0, by Horner's rule."""
        finite = not u.is_cuda and all(bool(t.isfinite().all()) for t in taylor)  # on CUDA, asking would wait for it
        result = taylor[self.order].unsqueeze(0)
        for k in reversed(range(self.order)):
            result = torch.cat([taylor[k].unsqueeze(0), self.lifted(result, u, self.order - k, finite)])
        return result

    def lifted(self, a: Tensor, u: Tensor, order: int, finite: bool) -> Tensor:
        """a·w for w = u - u_0, to this order and without its zeroth coefficient, which is 0.

        k more factors w raise the order by k, so that in Horner's rule no more is needed. Where w is 0, so is a·w, an
        infinite a or not: the value of sqrt(x) + y at x = 0 exists, and so does its derivative by y.
        """
        left, right, place = self.lifts[:, : self.lifts_to[order]].to(u.device)
        factor = u[right]
        terms = a[left] * factor
        terms = terms if finite else torch.where(factor == 0, torch.zeros_like(terms), terms)
        return terms.new_zeros((self.indices_to[order] - 1, *terms.shape[1:])).index_add(0, place - 1, terms)

    def partial(self, series: Tensor, alpha: MultiIndex) -> Tensor:
        """∂^α = α!·c_α."""
        return series[self.place[alpha]] * float(prod(map(factorial, alpha)))
