"""The methods beside CMML: simple ones of either setting, and learned ones."""
