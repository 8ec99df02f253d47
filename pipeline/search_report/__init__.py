"""What a hyperparameter search has found, for people: figures, tables, a page."""
