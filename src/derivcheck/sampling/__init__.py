"""Where to look: random points, corners, kinks, and where the worst points lead."""
