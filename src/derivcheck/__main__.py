"""`python -m derivcheck`."""

from derivcheck.cli.command import main

main()
