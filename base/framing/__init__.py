"""How pictures follow each other on the way: what is read piece by piece becomes pictures."""
