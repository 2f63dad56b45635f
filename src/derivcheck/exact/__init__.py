"""The referee: proved enclosures of every partial, in ball arithmetic."""
