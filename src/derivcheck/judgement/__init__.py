"""Who is wrong, and why: error, bound, verdict, cause."""
