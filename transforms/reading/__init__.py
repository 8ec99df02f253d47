"""Raw tables to blocks of rows, whatever their format and packing."""
