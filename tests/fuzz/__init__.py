"""Random input for everything that strangers can send: formulas, command lines, suites, journals.

Whatever the input, derivcheck ends with an exit status that means something. `python -m tests.fuzz` looks for
counterexamples; the tests run a short form with a fixed seed.
"""
