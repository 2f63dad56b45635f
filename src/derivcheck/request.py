"""A check: a problem, the engines that compute it, and what a suite says of it."""

from dataclasses import dataclass

from derivcheck.problem import Problem

ALL = "all"  # the engine name that means every engine that can


@dataclass(frozen=True)
class Check:
    """One check of a run."""

    name: str
    problem: Problem
    """Without its `function` where it comes from a suite: `function_name` is imported when the check runs."""
    engines: tuple[str, ...] = ("reverse",)
    """By name, or (`all`,): those that can compute every partial."""
    source: str = ""
    """The suite file, as it was named."""
    line: int = 0
    """Of the entry in the file, from 1."""
    tags: tuple[str, ...] = ()
    skip: str = ""
    """Why it is not run."""
    xfail: str = ""
    """Why it must disagree."""
    known: str = ""
    """The address of the issue of a known defect."""
