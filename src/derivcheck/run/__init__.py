"""Checks -> a report: one check, or many by a pool of processes or a cluster."""
