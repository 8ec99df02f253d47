"""The same raw tables prepared on every engine that can run here, held side by side."""
