"""`python -m derivcheck`."""

from derivcheck.run.safe_path import leave_out_working_directory

leave_out_working_directory()

from derivcheck.cli.command import main  # noqa: E402 what it imports must not come from the working directory

main()
