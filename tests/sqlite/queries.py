"""Random queries on the tables of the extension and ordinary tables."""

from query import Query, literal, marked, written
from tables import COLLATED, DATED, PATTERNS, SENT, TABLES, TIMED, UNTIMED, USERS, VALUES


class Maker:
    """Generates random queries. `has_all_joins`: RIGHT and FULL are supported. One in five has texts that are no times."""

    def __init__(self, chance, has_all_joins):
        self.chance, self.depth = chance, 0
        self.is_untimed = self.one_in(5)
        self.tables = {name: columns for name, columns in TABLES.items() if self.is_untimed or "due" not in columns}
        self.joins = ["JOIN"] * 4 + ["LEFT JOIN"] * 4 + ["CROSS JOIN", ","] 
        self.joins += ["RIGHT JOIN", "FULL JOIN"] * 4 if has_all_joins else []

    def one_in(self, count):
        return self.chance.randrange(count) == 0

    def value(self, column, is_equal=False):
        """A constant to compare the column with, for equality or any comparison."""
        if column in DATED:
            date = literal(self.chance.choice(VALUES["created_at"]))
            date = self.chance.choice([date] * 6 + [f"datetime({date})", f"date({date}, '+1 day')", "NULL"])
            if is_equal and self.is_untimed and self.one_in(2):
                date = literal(self.chance.choice(UNTIMED))
            return marked(date) if column in TIMED else date
        if self.one_in(12):
            return self.chance.choice(["NULL", "5", "5.0", "''", "x'637265617465'", "'a1' || ''", "CAST(5 AS TEXT)", "'create'"])
        return literal(self.chance.choice(VALUES[column]))

    def values(self, column):
        """A list for IN; sometimes a longer one than fits into a request."""
        if column not in DATED and self.one_in(6):
            # SQLite sorts the list: those with ! are its beginning.
            initial = self.chance.choice("!!n")
            values = [f"'{initial}{number}'" for number in range(self.chance.randrange(99, 260))]
            values += [self.value(column, True) for _ in range(self.chance.randrange(9))]
            self.chance.shuffle(values)
        else:
            values = [self.value(column, True) for _ in range(self.chance.randrange(1, 5))]
        return ", ".join(values)

    def simple_query(self, column, outer=()):
        """A SELECT of a comparable column for IN, perhaps correlated with the outer query."""
        every = [(name, own) for name, columns in self.tables.items() for own in columns]
        alike = [one for one in every if one[1] == column or {one[1], column} <= USERS]
        same = [one for one in every if (one[1] in DATED) == (column in DATED)]
        name, own = self.chance.choice(alike if self.one_in(2) else same)
        scope = [("q", own) for own in self.tables[name]]
        where = "" if self.one_in(3) else " WHERE " + written(self.condition(scope, 1))
        if outer and self.one_in(2):
            where = f" WHERE {self.pair(scope, outer)}"
        result = f"q.{own}"
        if column in TIMED and own not in TIMED:
            result = marked(result)
        return f"SELECT {result} FROM {name} AS q{where}"

    def pair(self, left, right):
        """A comparison of columns of two tables; times with times only, as the rest is no time."""
        one = self.chance.choice(left)
        same = [other for other in right if (other[1] in DATED) == (one[1] in DATED)]
        alike = [other for other in same if VALUES[other[1]] is VALUES[one[1]] or one[1] in DATED or
                 {one[1], other[1]} <= USERS | {"group_id", "number", "any", "resource_id"}]  # fmt: skip
        if not same:
            return "1"
        other = self.chance.choice(alike if alike and not self.one_in(5) else same)
        op = self.chance.choice(["=", "=", "=", "IS", "<", ">="] if one[1] in DATED else ["="] * 8 + ["IS", "<", "!="])
        if "due" in (one[1], other[1]):
            op = self.chance.choice(["=", "=", "IS", "!="])
        pair = [one, other]
        self.chance.shuffle(pair)
        names = [".".join(column) for column in pair]
        # The collation is that of the left column.
        if pair[0][1] in TIMED and pair[1][1] not in TIMED:
            names[1] = marked(names[1])
        return f" {op} ".join(names)

    def user_pair(self, left, right):
        """A join by the id of a user, if there is one."""
        one, other = ([column for column in scope if column[1] in USERS] for scope in (left, right))
        if not one or not other:
            return self.pair(left, right)
        pair = [".".join(self.chance.choice(one)), ".".join(self.chance.choice(other))]
        self.chance.shuffle(pair)
        return " = ".join(pair)

    def atom(self, scope):
        alias, column = self.chance.choice([one for one in scope if one[1] in SENT] * 2 + scope)
        name, kind = f"{alias}.{column}", self.chance.randrange(20)
        if kind < 5:
            return f"{name} = {self.value(column, True)}" if self.one_in(2) else f"{self.value(column, True)} = {name}"
        if kind < 7:
            return f"{name} {self.chance.choice(['<', '<=', '>', '>=', '!='])} {self.value(column)}"
        if kind < 9:
            return f"{name} {'NOT ' if self.one_in(4) else ''}IN ({self.values(column)})"
        if kind == 9 and self.depth < 2:
            return f"{name} {'NOT ' if self.one_in(4) else ''}IN ({self.nested(self.simple_query, column, scope)})"
        if kind == 10:
            return f"{name} {'NOT ' if self.one_in(4) else ''}BETWEEN {self.value(column)} AND {self.value(column)}"
        if kind == 11:
            value = self.value(column, True)
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
            rows = [f"({self.value(column, True)}, {self.value(other[1], True)})" for _ in range(2)]
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
        if column in DATED:
            op = self.chance.choice([">", ">=", "<", "<=", "="])
            return f"{alias}.{column} {op} {self.value(column, op == '=')}"
        value = self.value(column) if self.one_in(6) else literal(self.chance.choice(VALUES[column]))
        return f"{alias}.{column} " + self.chance.choice([f"= {value}", f"= {value}", f"IN ({self.values(column)})"])

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
        weights += ["kal_groups", "guests", "tasks", "kal_workspace", "authors", "activity", "crowd"]
        weights += ["drafts"] * 4 if self.is_untimed else []
        if ctes and self.one_in(2):
            name, columns = self.chance.choice(ctes)
            return name, columns
        name = self.chance.choice(weights)
        if self.depth == 0 and self.one_in(8):
            columns = self.chance.sample(self.tables[name], self.chance.randrange(1, min(4, len(self.tables[name])) + 1))
            return self.nested(self.plain, name, columns), columns
        return name, self.tables[name]

    def plain(self, name, columns):
        """Some columns of one table, with a condition."""
        query = Query()
        query.sources = [("FROM", name, "s", None)]
        query.columns = [f"s.{column}" for column in columns]
        query.distinct = self.one_in(4) and not COLLATED & set(columns)
        query.where = self.condition([("s", column) for column in self.tables[name]], self.chance.randrange(1, 4))
        return query

    def join(self, query, scope, source, columns):
        alias = f"t{len(query.sources)}"
        own = [(alias, column) for column in columns]
        if not query.sources:
            query.sources.append(("FROM", source, alias, None))
            return own
        join, on = self.chance.choice(self.joins), None
        common = [column for column in columns if [name for _, name in scope].count(column) == 1 and column not in DATED]
        if source == "crowd" or "crowd" in (source for _, source, _, _ in query.sources):
            # It is too large for anything else.
            on = ("ON", self.user_pair(scope, own))
            join = "JOIN" if join in (",", "CROSS JOIN") else join
        elif join not in (",", "CROSS JOIN"):
            if common and self.one_in(5):
                on = ("USING", ", ".join(self.chance.sample(common, self.chance.randrange(1, min(2, len(common)) + 1))))
            elif len(query.sources) == 1 and not DATED & set(columns) and self.one_in(12):
                join = f"NATURAL {join}"
            else:
                on = ("ON", self.chance.choice([self.pair, self.pair, self.user_pair])(scope, own))
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
            name = self.chance.choice(list(self.tables))
            columns = self.chance.sample(self.tables[name], min(3, len(self.tables[name])))
            how = self.chance.choice(["", "", "MATERIALIZED ", "NOT MATERIALIZED "])
            made_of.append(("c", how, self.nested(self.plain, name, columns)))
            ctes.append(("c", columns))
        query = self.recent() if self.one_in(12) else self.select(ctes)
        query.ctes, query.is_untimed = made_of, self.is_untimed
        if query.order:
            return query
        if self.one_in(8):
            op, other = self.chance.choice(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"]), self.select(ctes, len(query.columns))
            # Times that are equal in the collation of the first SELECT would be merged.
            timed = [[column.split(".")[-1] in TIMED for column in one.columns] for one in (query, other)]
            query.compound = (op if timed[0] == timed[1] else "UNION ALL", other)
        kind = self.chance.randrange(8)
        if kind < 3:
            query.total_order = True
        elif kind == 3 and not query.compound:
            places = [place for place, column in enumerate(query.columns) if column.split(".")[-1] not in COLLATED]
            query.order = [(place, self.chance.choice(["", " DESC"])) for place in self.chance.sample(places, min(2, len(places)))]
        if self.one_in(2) if query.total_order or query.order else self.one_in(8):
            query.limit = self.chance.choice([0, 1, 3, 10, -1])
            query.offset = self.chance.choice([None, 0, 1, 5])
        return query

    def recent(self):
        """The first or last events, as a list of news has them."""
        query, name = Query(), self.chance.choice(["kal_events", "kal_events", "kal_events", "tasks", "authors"])
        scope = [("t0", column) for column in self.tables[name]]
        query.sources = [("FROM", name, "t0", None)]
        if self.one_in(4) and name == "kal_events":
            scope += self.join(query, scope, "kal_members", self.tables["kal_members"])
        query.columns = ["t0.created_at"] + [".".join(one) for one in self.chance.sample(scope, 2)]
        if not self.one_in(3):
            query.where = self.condition(scope, self.chance.randrange(1, 3))
        query.order = [(0, self.chance.choice(["", " DESC", " DESC"]))]
        query.limit, query.offset = self.chance.randrange(1, 13), self.chance.choice([None, None, None, 1, 5, 21])
        return query
