"""Methods trained by episodes, in either setting, one file each."""
