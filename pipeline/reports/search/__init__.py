"""What a hyperparameter search came to: figures, tables, a page."""
