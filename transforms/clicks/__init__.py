"""Clicks and pools of items to episodes of scenarios, by Beam."""
