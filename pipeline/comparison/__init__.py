"""The comparison of all methods: trained, judged, and laid out for people."""
