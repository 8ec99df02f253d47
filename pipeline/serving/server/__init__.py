"""A model server in Python that speaks what TensorFlow Serving speaks."""
