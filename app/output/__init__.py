"""Commands that have what makes pictures, and no server: for each, its options and what it does."""
