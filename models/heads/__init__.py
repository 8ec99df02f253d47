"""What is predicted of a pair, from what is expected and what the backbone adds."""
