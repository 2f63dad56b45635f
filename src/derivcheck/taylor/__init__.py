"""Power series through torch functions: any order in polynomial time."""
