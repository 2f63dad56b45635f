"""How torch computes every partial: one file per engine, all behind one type."""
