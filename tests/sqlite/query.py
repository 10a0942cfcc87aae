"""A query as a tree that can be reduced.

Its text has marks around times that are compared with created_at: plain removes them, timed makes calls of kal_time of them,
which a copy without the collation needs.
"""

import copy


class Query:
    """One SELECT, perhaps followed by a second one. A condition is a text, or a list of AND, OR or NOT and its parts."""

    def __init__(self):
        self.ctes, self.distinct, self.columns, self.sources = [], False, [], []
        self.where = self.having = self.compound = self.limit = self.offset = None
        self.group, self.order = [], []
        self.total_order = self.is_untimed = False

    def is_merged(self):
        """Whether rows that may differ in the spelling of a value are merged."""
        is_compound = bool(self.compound) and (self.compound[0] != "UNION ALL" or self.compound[1].is_merged())
        return self.distinct or bool(self.group) or is_compound

    def is_cut(self):
        """Whether it returns some of the rows, by an order that leaves open which."""
        return self.limit is not None and not self.total_order

    def sql(self):
        """The query with marks."""
        parts = []
        if self.ctes:
            parts.append("WITH " + ", ".join(f"{name} AS {how}({query.sql()})" for name, how, query in self.ctes))
        parts.append(f"SELECT {'DISTINCT ' if self.distinct else ''}{', '.join(self.columns)}")
        for place, (join, source, alias, on) in enumerate(self.sources):
            what = source if isinstance(source, str) else f"({source.sql()})"
            condition = f" ON {written(on[1])}" if on and on[0] == "ON" else f" USING ({on[1]})" if on else ""
            parts.append(f"{join if place else 'FROM'} {what} AS {alias}{condition if place else ''}")
        if self.where:
            parts.append(f"WHERE {written(self.where)}")
        if self.group:
            parts.append(f"GROUP BY {', '.join(self.group)}")
        if self.having:
            parts.append(f"HAVING {written(self.having)}")
        if self.compound:
            parts.append(f"{self.compound[0]} {self.compound[1].sql()}")
        if self.total_order:
            parts.append("ORDER BY " + ", ".join(f"{place + 1} COLLATE BINARY" for place in range(len(self.columns))))
        elif self.order:
            parts.append("ORDER BY " + ", ".join(f"{place + 1}{how}" for place, how in self.order))
        if self.limit is not None:
            parts.append(f"LIMIT {self.limit}" + (f" OFFSET {self.offset}" if self.offset is not None else ""))
        return " ".join(parts)

    def smaller(self):
        """Copies with one part removed each."""

        def less(change):
            fewer = copy.deepcopy(self)
            change(fewer)
            return fewer

        if self.compound:
            yield less(lambda query: query.__dict__.update(query.compound[1].__dict__, ctes=query.ctes))
        for name, empty in [("compound", None), ("limit", None), ("offset", None), ("having", None), ("where", None),
                            ("distinct", False), ("total_order", False)]:  # fmt: skip
            if getattr(self, name):
                yield less(lambda query: setattr(query, name, empty))
        if self.order:
            yield less(lambda query: query.order.pop())
        for name in ("ctes", "sources", "group", "columns"):
            for place in range(len(getattr(self, name))):
                is_free = len(getattr(self, name)) > 1 or name in ("ctes", "group")
                if is_free and not (name == "columns" and self.order):
                    yield less(lambda query: getattr(query, name).pop(place))
        if self.group:
            yield less(lambda query: (setattr(query, "columns", query.columns[:1]), query.group.clear()))
        for name in ("where", "having"):
            for part in reduced(getattr(self, name)):
                yield less(lambda query: setattr(query, name, part))
        for place, (join, source, alias, on) in enumerate(self.sources):
            others = [(source, ("ON", part)) for part in reduced(on[1])] if on and on[0] == "ON" else []
            if isinstance(source, Query):
                others += [(part, on) for part in source.smaller() if len(part.columns) == len(source.columns)]
            for part, condition in others:
                yield less(lambda query: query.sources.__setitem__(place, (join, part, alias, condition)))


def marked(time):
    return f"⟦{time}⟧"


def plain(text):
    return text.replace("⟦", "").replace("⟧", "")


def timed(text):
    return text.replace("⟦", "kal_time(").replace("⟧", ")")


def written(condition):
    if isinstance(condition, str):
        return condition
    if condition[0] == "NOT":
        return f"NOT ({written(condition[1])})"
    return "(" + f" {condition[0]} ".join(written(part) for part in condition[1:]) + ")"


def reduced(condition):
    """Conditions with one part removed."""
    if not isinstance(condition, list):
        return
    for place, part in enumerate(condition[1:], 1):
        yield part
        if len(condition) > 3:
            yield condition[:place] + condition[place + 1 :]
        for other in reduced(part):
            yield condition[:place] + [other] + condition[place + 1 :]


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        return "CAST(x'%s' AS TEXT)" % value.encode().hex() if "\0" in value else "'%s'" % value.replace("'", "''")
    return repr(value)
