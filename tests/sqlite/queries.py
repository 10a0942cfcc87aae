"""Random queries on the tables of the extension and an ordinary table, as trees that can be reduced."""

import copy

import odd_data

# Columns by table, each with the values to compare it with.
VALUES = {
    "id": odd_data.IDS + ["g1", "G1", "e3", "e20", "e9", "E9"],
    "group_id": ["g1", "g1", "G1", "g2", "a1", "nothing"],
    "user_id": odd_data.IDS + ["nobody", "a1", "a1", "a1", "5"],
    "event_user_id": odd_data.USERS,
    "full_name": odd_data.NAMES,
    "preferred_name": odd_data.NAMES,
    "access_level": odd_data.LEVELS,
    "email": odd_data.EMAILS,
    "group_name": odd_data.NAMES,
    "user_ids": ["[]", '["a1","a1 "]'],
    "program_ids": ["[]", '["p"]'],
    "workspace_name": [None, "x"],
    "event_type": odd_data.TYPES + ["CREATE", "nothing"],
    "event_type_version": [1, 2, -1, 5, None, 2.0, "2"],
    "created_at": odd_data.DATES,
    "resource_id": ["r1", "r2", "a1", None],
    "resource_type": odd_data.RESOURCES + ["TASK"],
    "parent_bulk_event_id": ["e7", "e8", None],
    "event_attrs": ["{}"],
    "is_bot": [0, 1, None],
    "is_bulk": [0, 1, None],
    "created_at_raw": odd_data.SENT_DATES + odd_data.NO_TIMES,
    "barcode": ["A", "B", None],
    "owner": ["ann", "create", "A1", "task"],
    "taken_on": odd_data.DATES,
    "number": [5, 0, None],
    "any": [5, "5", b"5", "create", None],
}
# With a collation other than BINARY, merged rows have one of several texts.
COLLATED = {"created_at", "owner"}
DATED = {"created_at", "taken_on"}
# Conditions that the extension uses.
SENT = {"id", "event_type", "resource_type", "event_user_id", "created_at", "group_id", "user_id", "email"}
PATTERNS = ["%a%", "CREATE", "*e*", "_1", "T%", "2025-10-0_%"]
TABLES = {
    "kal_workspace": ["id", "workspace_name"],
    "kal_members": ["id", "full_name", "preferred_name", "access_level", "email"],
    "kal_groups": ["id", "group_name", "email", "user_ids", "program_ids"],
    "kal_group_members": ["group_id", "user_id"],
    "kal_events": [
        "id", "event_type", "event_type_version", "created_at", "event_user_id", "full_name", "preferred_name", "resource_id",
        "resource_type", "parent_bulk_event_id", "event_attrs", "is_bot", "is_bulk",
        "created_at_raw",
    ],
    "samples": ["barcode", "owner", "taken_on", "number", "any", "user_id"],
    "guests": ["id", "full_name", "email"],
    "tasks": ["id", "event_type", "created_at", "event_user_id"],
}  # fmt: skip
SETUP = [
    "CREATE TABLE samples(barcode TEXT, owner TEXT COLLATE NOCASE, taken_on TEXT, number INTEGER, any, user_id TEXT)",
    "INSERT INTO samples VALUES ('A', 'ann', '2025-10-01', 5, 5, 'a1'), ('B', 'CREATE', '2025-10-01 12:00:00', 0, '5', '5'),"
    " (NULL, NULL, NULL, NULL, NULL, NULL), ('C', 'Task', '2025-10-02T08:15:30.25Z', 1, x'35', 'A1'),"
    " ('A', 'a1', NULL, 5, 'create', '05'),"
    " ('D', 'A1 ', '2024-02-29T23:59:59Z', -1, 5.0, ''), ('E', '5', '9999-12-31T23:59:59Z', 2, x'637265617465', 'zz')",
    "CREATE TEMP VIEW guests AS SELECT id, full_name, email FROM kal_members WHERE access_level = 'guest' OR id >= 'a'",
    "CREATE TEMP VIEW tasks AS SELECT id, event_type, created_at, event_user_id FROM kal_events"
    " WHERE resource_type = 'task' OR event_type IN ('create', 'delete')",
]


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, str):
        return "CAST(x'%s' AS TEXT)" % value.encode().hex() if "\0" in value else "'%s'" % value.replace("'", "''")
    return repr(value)


class Query:
    """One SELECT, perhaps followed by a second one. A condition is a text, or a list of AND, OR or NOT and its parts."""

    def __init__(self):
        self.ctes, self.distinct, self.columns, self.sources = [], False, [], []
        self.where = self.having = self.compound = self.limit = self.offset = None
        self.group = []
        self.total_order = False

    def is_merged(self):
        """Whether rows that may differ in the spelling of a value are merged."""
        return self.distinct or bool(self.group) or (self.compound and self.compound[0] != "UNION ALL")

    def sql(self):
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
        for name in ("ctes", "sources", "group", "columns"):
            for place in range(len(getattr(self, name))):
                if len(getattr(self, name)) > 1 or name in ("ctes", "group"):
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


class Maker:
    """Generates random queries. `has_all_joins`: RIGHT and FULL are supported."""

    def __init__(self, chance, has_all_joins):
        self.chance, self.depth, self.names = chance, 0, 0
        self.joins = ["JOIN"] * 4 + ["LEFT JOIN"] * 4 + ["CROSS JOIN", ","] 
        self.joins += ["RIGHT JOIN", "FULL JOIN"] * 4 if has_all_joins else []

    def one_in(self, count):
        return self.chance.randrange(count) == 0

    def value(self, column):
        """A constant to compare the column with."""
        if column in DATED:
            date = literal(self.chance.choice(VALUES[column]))
            return self.chance.choice([date] * 6 + [f"datetime({date})", f"date({date}, '+1 day')", "NULL"])
        if self.one_in(12):
            return self.chance.choice(["NULL", "5", "5.0", "''", "x'637265617465'", "'a1' || ''", "CAST(5 AS TEXT)", "'create'"])
        return literal(self.chance.choice(VALUES[column]))

    def simple_query(self, column, outer=()):
        """A SELECT of a comparable column for IN, perhaps correlated with the outer query."""
        name, own = self.chance.choice([(name, own) for name, columns in TABLES.items() for own in columns
                                        if own == column or (own in DATED) == (column in DATED)])  # fmt: skip
        scope = [("q", own) for own in TABLES[name]]
        where = "" if self.one_in(3) else " WHERE " + written(self.condition(scope, 1))
        if outer and self.one_in(2):
            where = f" WHERE {self.pair(scope, outer)}"
        return f"SELECT q.{own} FROM {name} AS q{where}"

    def pair(self, left, right):
        """A comparison of columns of two tables; dates with dates only, as anything else is an error."""
        one = self.chance.choice(left)
        same = [other for other in right if (other[1] in DATED) == (one[1] in DATED)]
        alike = [other for other in same if VALUES[other[1]] is VALUES[one[1]] or one[1] in DATED or
                 {one[1], other[1]} <= {"id", "event_user_id", "user_id", "group_id", "number", "any", "resource_id"}]  # fmt: skip
        if not same:
            return "1"
        other = self.chance.choice(alike if alike and not self.one_in(5) else same)
        op = self.chance.choice(["=", "=", "=", "IS", "<", ">="] if one[1] in DATED else ["="] * 8 + ["IS", "<", "!="])
        pair = [".".join(one), ".".join(other)]
        self.chance.shuffle(pair)
        return f" {op} ".join(pair)

    def atom(self, scope):
        alias, column = self.chance.choice([one for one in scope if one[1] in SENT] * 2 + scope)
        name, kind = f"{alias}.{column}", self.chance.randrange(20)
        if kind < 5:
            return f"{name} = {self.value(column)}" if self.one_in(2) else f"{self.value(column)} = {name}"
        if kind < 7:
            return f"{name} {self.chance.choice(['<', '<=', '>', '>=', '!='])} {self.value(column)}"
        if kind < 9:
            values = ", ".join(self.value(column) for _ in range(self.chance.randrange(1, 5)))
            return f"{name} {'NOT ' if self.one_in(4) else ''}IN ({values})"
        if kind == 9 and self.depth < 2:
            return f"{name} {'NOT ' if self.one_in(4) else ''}IN ({self.nested(self.simple_query, column, scope)})"
        if kind == 10:
            return f"{name} {'NOT ' if self.one_in(4) else ''}BETWEEN {self.value(column)} AND {self.value(column)}"
        if kind == 11:
            value = self.value(column)
            return f"{name} {self.chance.choice(['IS NULL', 'IS NOT NULL', f'IS {value}', f'IS NOT {value}'])}"
        if kind == 12:
            return f"{name} {self.chance.choice(['LIKE', 'GLOB', 'NOT LIKE'])} {literal(self.chance.choice(PATTERNS))}"
        if kind == 13 and column not in DATED:
            # On the right side SQLite ignores it when an OR becomes an IN, also on ordinary tables with an index.
            return f"{name} COLLATE {self.chance.choice(['NOCASE', 'RTRIM'])} = {self.value(column)}"
        if kind == 14 and self.depth < 2:
            return f"{'NOT ' if self.one_in(3) else ''}EXISTS ({self.nested(self.simple_query, column, scope)})"
        if kind == 15:
            other = self.chance.choice(scope)
            rows = [f"({self.value(column)}, {self.value(other[1])})" for _ in range(2)]
            return f"({name}, {'.'.join(other)}) " + self.chance.choice([f"= {rows[0]}", f"IN (VALUES {', '.join(rows)})"])
        if kind == 16:
            return f"coalesce({name}, '') {self.chance.choice(['=', '>', '!='])} {literal(self.chance.choice(VALUES[column]))}"
        if kind == 17:
            return f"CASE WHEN {self.atom(scope)} THEN {name} IS NOT NULL ELSE {self.atom(scope)} END"
        return self.pair(scope, scope)

    def nested(self, make, *arguments):
        self.depth += 1
        made = make(*arguments)
        self.depth -= 1
        return made

    def sent(self, scope):
        """A comparison that the extension uses, if there is one."""
        sent = [one for one in scope if one[1] in SENT]
        if not sent:
            return self.atom(scope)
        alias, column = self.chance.choice(sent)
        values = [self.value(column) if self.one_in(6) else literal(self.chance.choice(VALUES[column])) for _ in range(3)]
        if column in DATED:
            return f"{alias}.{column} {self.chance.choice(['>', '>=', '<', '<=', '='])} {values[0]}"
        return f"{alias}.{column} " + self.chance.choice([f"= {values[0]}", f"= {values[0]}", f"IN ({', '.join(values)})"])

    def condition(self, scope, size):
        if size <= 1:
            return self.chance.choice([self.sent, self.atom])(scope)
        if self.one_in(2):
            alternatives = [self.sent(scope) for _ in range(self.chance.randrange(2, 4))]
            if self.one_in(2):
                alternatives[0] = ["AND", alternatives[0], self.condition(scope, 1)]
            return ["OR", *alternatives] if self.one_in(2) else ["AND", ["OR", *alternatives], self.condition(scope, 1)]
        if self.one_in(6):
            return ["NOT", self.condition(scope, size - 1)]
        parts = self.chance.randrange(2, 4)
        return [self.chance.choice(["AND", "OR", "OR"])] + [self.condition(scope, size // parts) for _ in range(parts)]

    def source(self, ctes):
        """A table, a subquery or a CTE, and its columns."""
        weights = ["kal_events"] * 3 + ["kal_members"] * 3 + ["kal_group_members"] * 2 + ["samples"] * 2
        weights += ["kal_groups", "guests", "tasks", "kal_workspace"]
        if ctes and self.one_in(2):
            name, columns = self.chance.choice(ctes)
            return name, columns
        name = self.chance.choice(weights)
        if self.depth == 0 and self.one_in(8):
            columns = self.chance.sample(TABLES[name], self.chance.randrange(1, min(4, len(TABLES[name])) + 1))
            return self.nested(self.plain, name, columns), columns
        return name, TABLES[name]

    def plain(self, name, columns):
        """Some columns of one table, with a condition."""
        query = Query()
        query.sources = [("FROM", name, "s", None)]
        query.columns = [f"s.{column}" for column in columns]
        query.distinct = self.one_in(4) and not COLLATED & set(columns)
        query.where = self.condition([("s", column) for column in TABLES[name]], self.chance.randrange(1, 4))
        return query

    def join(self, query, scope, source, columns):
        alias = f"t{len(query.sources)}"
        own = [(alias, column) for column in columns]
        if not query.sources:
            query.sources.append(("FROM", source, alias, None))
            return own
        join, on = self.chance.choice(self.joins), None
        common = [column for column in columns if [name for _, name in scope].count(column) == 1 and column not in DATED]
        if join not in (",", "CROSS JOIN"):
            if common and self.one_in(5):
                on = ("USING", ", ".join(self.chance.sample(common, self.chance.randrange(1, min(2, len(common)) + 1))))
            elif len(query.sources) == 1 and not DATED & set(columns) and self.one_in(12):
                join = f"NATURAL {join}"
            else:
                on = ("ON", self.pair(scope, own))
                if self.one_in(3):
                    on = ("ON", [self.chance.choice(["AND", "OR"]), on[1], self.condition(scope + own, 1)])
        query.sources.append((join, source, alias, on))
        return own

    def select(self, ctes=(), width=None):
        query, scope, events = Query(), [], 0
        for _ in range(self.chance.choice([1, 1, 1, 2, 2, 2, 3])):
            source, columns = self.source(ctes)
            events += "event_type" in columns
            if events <= 2:
                scope += self.join(query, scope, source, columns)
        if not self.one_in(6 if len(query.sources) == 1 else 2):
            query.where = self.condition(scope, self.chance.randrange(1, 6))
        if self.one_in(5):
            keys = self.chance.sample(scope, min(len(scope), self.chance.randrange(0, 3)))
            query.group = [".".join(key) for key in keys]
            plain = [".".join(key) for key in scope if key[1] not in COLLATED]
            made = ["count(*)", "sum(1)"]
            if plain:
                made += [f"count({self.chance.choice(plain)})", f"count(DISTINCT {self.chance.choice(plain)})",
                         f"sum(length({self.chance.choice(plain)}))"]  # fmt: skip
            binary = [name for name in plain if name.split(".")[1] not in ("any", "number", "event_type_version")]
            if binary:
                made += [f"min({self.chance.choice(binary)})", f"max({self.chance.choice(binary)})"]
            query.columns = query.group + self.chance.sample(made, 2)
            if query.group and self.one_in(2):
                query.having = self.chance.choice(["count(*) > 1", f"count({plain[0]}) < 3" if plain else "1", "min(1) = 1"])
        else:
            query.columns = [".".join(one) for one in self.chance.sample(scope, min(len(scope), self.chance.randrange(1, 5)))]
            if self.depth < 2 and self.one_in(8):
                query.columns.append(f"(SELECT count(*) FROM ({self.nested(self.simple_query, 'id', scope)}))")
            query.distinct = self.one_in(6)
        if width:
            query.columns = (query.columns * width)[:width]
        return query

    def query(self):
        ctes = []
        made_of = []
        if self.one_in(6):
            name = self.chance.choice(list(TABLES))
            columns = self.chance.sample(TABLES[name], min(3, len(TABLES[name])))
            how = self.chance.choice(["", "", "MATERIALIZED ", "NOT MATERIALIZED "])
            made_of.append(("c", how, self.nested(self.plain, name, columns)))
            ctes.append(("c", columns))
        query = self.select(ctes)
        query.ctes = made_of
        if self.one_in(8):
            op = self.chance.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"])
            query.compound = (op, self.select(ctes, len(query.columns)))
        if self.one_in(3):
            query.total_order = True
            if self.one_in(2):
                query.limit = self.chance.choice([0, 1, 3, 10, -1])
                query.offset = self.chance.choice([None, 0, 1, 5])
        return query
