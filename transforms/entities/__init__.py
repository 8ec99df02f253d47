"""Users and items: their rows, vocabularies and encoded features."""
