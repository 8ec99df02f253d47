"""All that people read: pages, tables, figures and words."""
