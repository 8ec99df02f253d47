"""What a version must be before it is published: it loads, answers, and is good."""
