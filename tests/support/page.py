"""HTML pages as trees, read more strictly than browsers do: what is opened is closed in order."""

import html.parser
import json

VOID = {"meta", "br", "img", "link", "input", "hr", "base", "source", "embed"}


class Element:
    """`content` holds texts and elements in order."""

    def __init__(self, name, attributes):
        self.name, self.attributes, self.content = name, dict(attributes), []

    def walk(self):
        yield self
        for each in self.content:
            if isinstance(each, Element):
                yield from each.walk()

    def all(self, name, **attributes):
        """Elements of that name (None: any); `of="run"` asks for a class, others for equality."""
        return [each for each in self.walk() if name in (None, each.name) and all(
            value in each.attributes.get("class", "").split() if key == "of" else
            each.attributes.get(key) == value for key, value in attributes.items())]

    def one(self, name, **attributes):
        found = self.all(name, **attributes)
        assert len(found) == 1, f"{len(found)} of {name} {attributes}"
        return found[0]

    @property
    def text(self):
        return "".join(each if isinstance(each, str) else each.text for each in self.content)

    @property
    def numbers(self):
        """All <data> in it, as numbers."""
        return [float(each.attributes["value"]) for each in self.all("data")]

    def pairs(self):
        """{term: description element} of a <dl>."""
        return {term.text: description
                for term, description in zip(self.all("dt"), self.all("dd"), strict=True)}


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = [Element("document", [])]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, attrs)
        self.open[-1].content.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].content.append(data)


def read(path):
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].name}> is not closed"
    return reader.open[0]


def run_sections(page):
    """{name of the run: its section}, in the order of the page."""
    return {section.one("h2").text: section for section in page.all("section", of="run")}


def chart_data(section):
    """The numbers of a run's charts, with its series by name."""
    data = json.loads(section.one("script", of="data").text)
    data["series"] = {series["name"]: series for chart in data["charts"]
                      for series in chart["series"]}
    return data
