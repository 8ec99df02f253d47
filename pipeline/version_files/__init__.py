"""What stands beside the graph of an exported version, for people and for tools."""
