"""Pictures in files, shown when they change."""
