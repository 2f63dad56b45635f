"""Formula -> graph -> its partials -> torch."""
