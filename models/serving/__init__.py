"""The served form of a trained model: strings in, strings and scores out, one graph."""
