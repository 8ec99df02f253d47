"""Measures a served model: latency, throughput, soak, reload, malformed requests."""
