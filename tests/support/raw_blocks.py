"""The blocks of a raw file, as workers read them."""

from transforms.reading.read_tables import find_parts, read_part


def read_blocks(file, table, columns, *, text_block_bytes=1 << 20):
    """Yields a file of a table block by block."""
    options = {"data_dir": "", "text_block_bytes": text_block_bytes}
    for part in find_parts(file, table, columns, **options):
        yield from read_part(part, columns)
