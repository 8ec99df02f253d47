"""The frame of all pages: one HTML file each, tables to sort, figures inline."""
