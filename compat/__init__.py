"""The APIs of other capture libraries: who uses one of them changes an import."""
