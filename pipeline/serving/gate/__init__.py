"""What a version must be, beside valid, before it is published."""
