"""The `cmml` command line, one module per step."""
