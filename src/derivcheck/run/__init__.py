"""Checks -> a report: one check, or many in a pool of processes or on a cluster."""
