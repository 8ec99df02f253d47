"""Formats that a version is exported to beside the SavedModel."""
