"""Torch code -> graph: the forward of a function as a formula, one node per element of a tensor."""
