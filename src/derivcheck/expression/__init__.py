"""Text -> formula: a parser that evaluates nothing."""
