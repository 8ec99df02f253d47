"""Reads a page as a browser would, and checks that its tags are balanced."""

import html.parser

VOID = {"meta", "br"}


class Reader(html.parser.HTMLParser):
    """Collects tags, ids, references and text, and checks that tags are balanced."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.ids, self.references = [], [], [], []
        self._text = ""

    @property
    def text(self):
        """All text, blanks and line ends as one space, as a browser shows it."""
        return " ".join(self._text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.references.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self._text += data


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader
