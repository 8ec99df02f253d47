"""Pages for people: one HTML file each, with tables to sort and figures inline."""
