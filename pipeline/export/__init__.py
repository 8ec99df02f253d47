"""A version: the graph and the files beside it, published whole."""
