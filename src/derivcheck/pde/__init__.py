"""Residuals of differential equations: which equation torch code computes, and whether it is the one that is meant."""
