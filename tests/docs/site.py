"""Checks the built site: site.py FOLDER

Red with a link to nowhere.html ("index.html: nowhere.html"), to errors.html#no ("index.html: errors.html#no"), with a picture of
another host ("index.html: https://example.com/a.png"), and with an anchor taken out of the page ("kal_set_log").
"""

import html.parser
import pathlib
import sys
import urllib.parse

sys.path[:0] = ["scripts", "tests/compat"]

import headerdoc  # noqa: E402
from claims import claim, close  # noqa: E402

# Elements that a browser fetches by itself, and the attributes with their URLs.
FETCHED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "object": "data", "link": "href"}


class Page(html.parser.HTMLParser):
    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.anchors, self.links, self.fetched = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        has = dict(attributes)
        self.anchors |= {has[name] for name in ("id", "name") if has.get(name)}
        if tag == "a" and has.get("href"):
            self.links.append(has["href"])
        if has.get(FETCHED.get(tag)):
            self.fetched.append(has[FETCHED[tag]])


def is_elsewhere(link: str) -> bool:
    return bool(urllib.parse.urlsplit(link).scheme or urllib.parse.urlsplit(link).netloc)


def main(folder: str) -> int:
    top = pathlib.Path(folder).resolve()
    pages = {path: Page(path) for path in top.rglob("*.html")}

    with claim("site: every link within the site has a target"):
        broken = []
        for path, page in pages.items():
            for link in page.links + page.fetched:
                if is_elsewhere(link):
                    continue
                parts = urllib.parse.urlsplit(link)
                goal = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
                anchor = urllib.parse.unquote(parts.fragment)
                if not goal.is_file() or (anchor and goal in pages and anchor not in pages[goal].anchors):
                    broken.append(f"{path.relative_to(top)}: {link}")
        assert len(pages) > 25, f"{len(pages)} pages"
        assert not broken, "\n".join(broken)
    with claim("site: nothing is fetched from another host"):
        outside = [f"{path.relative_to(top)}: {link}" for path, page in pages.items() for link in page.fetched
                   if is_elsewhere(link) and not link.startswith("data:")]
        outside += [f"{path.relative_to(top)} imports a style sheet" for path in top.rglob("*.css")
                    if "@import" in path.read_text(encoding="utf-8") or "url(http" in path.read_text(encoding="utf-8")]
        assert not outside, "\n".join(outside)
    with claim("site: every function, struct, field, type and macro of the header has an anchor"):
        anchors = set().union(*(page.anchors for page in pages.values()))
        items = headerdoc.items(pathlib.Path("include/kaleidoscope.h").read_text(encoding="utf-8"))
        names = [item.name for item in items] + [f"{item.name}.{field.name}" for item in items for field in item.fields]
        assert len(names) > 200, f"{len(names)} names"
        lacking = [name for name in names if f"c.{name}" not in anchors]
        assert not lacking, "\n".join(lacking)
    with claim("site: the search index has the functions"):
        index = (top / "searchindex.js").read_text(encoding="utf-8")
        lacking = [item.name for item in items if item.kind == "function" and item.name not in index]
        assert "search.html" in {path.name for path in pages} and not lacking, lacking
    return close()


sys.exit(main(sys.argv[1]))
