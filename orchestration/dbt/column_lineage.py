"""Which columns a model's columns are made of, read from its compiled SQL.

dagster-dbt finds it too, by analysing a model again for each of its columns: minutes for models as wide as a FOCUS
charge. Here a model is resolved once and each column of each CTE is followed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

# The name under which what a model reads from files, and not from a table, is reported.
FILES = ("", "")
# What Spark's SQL has in the place of a schema before the path of files: parquet.`/lake/…`.
FILE_FORMATS = ("parquet", "json")

# (schema, table), and with a column's name
Table = tuple[str, str]
Origin = tuple[Table, str]


@dataclass
class _Tracer:
    """Follows columns down through scopes; each (scope, column) is followed once."""

    known: dict[tuple[int, str], frozenset[Origin]] = field(default_factory=dict)

    def of(self, scope: Scope, column: str) -> frozenset[Origin]:
        key = (id(scope), column)
        if key not in self.known:
            self.known[key] = frozenset()  # a recursive CTE ends here
            self.known[key] = self._follow(scope, column)
        return self.known[key]

    def _follow(self, scope: Scope, column: str) -> frozenset[Origin]:
        if scope.set_operation_scopes:
            # The parts of a union match by position; the first part names the columns.
            names = _names(scope.set_operation_scopes[0])
            place = names.index(column) if column in names else -1
            found: frozenset[Origin] = frozenset()
            for part in scope.set_operation_scopes:
                part_names = _names(part)
                found |= self.of(part, part_names[place] if 0 <= place < len(part_names) else column)
            return found
        select = next((item for item in _selects(scope) if item.alias_or_name == column), None)
        if select is None:
            # Behind a star over files, whose columns only the files know.
            stars = [item for item in _selects(scope) if item.is_star]
            return frozenset().union(*(self._of_source(scope, _table_of(star), column) for star in stars))
        found = frozenset()
        for part in scope.subquery_scopes:
            if _is_within(part.expression, select):
                found = found.union(*(self.of(part, name) for name in _names(part)))
        for reference in select.find_all(exp.Column):
            found |= self._of_source(scope, reference.table, reference.name)
        return found

    def _of_source(self, scope: Scope, alias: str, column: str) -> frozenset[Origin]:
        """A column of one source of a scope; of all where it names none (again: files)."""
        if not alias:
            aliases = [name for name in scope.selected_sources if name]
            return frozenset().union(*(self._of_source(scope, name, column) for name in aliases))
        source = scope.sources.get(alias)
        if isinstance(source, Scope):
            return self.of(source, column)
        if isinstance(source, exp.Table):
            is_table = source.db and source.db not in FILE_FORMATS
            return frozenset({((source.db, source.name) if is_table else FILES, column)})
        return frozenset()


def _table_of(star: exp.Expr) -> str:
    """What a star is of: `delivered.*`; nothing where it is of all."""
    return star.table if isinstance(star, exp.Column) else ""


def _selects(scope: Scope) -> list[exp.Expr]:
    return list(scope.expression.selects) if isinstance(scope.expression, exp.Query) else []


def _names(scope: Scope) -> list[str]:
    return [item.alias_or_name for item in _selects(scope)]


def _is_within(node: exp.Expr, ancestor: exp.Expr) -> bool:
    walked: exp.Expr | None = node
    while walked is not None and walked is not ancestor:
        walked = walked.parent
    return walked is not None


def column_origins(
    sql: str, columns: Mapping[Table, Sequence[str]], dialect: str = "duckdb"
) -> dict[str, frozenset[Origin]]:
    """For each column of a select, in order, the columns of tables that it is made of.

    `columns` has the columns of the tables that it reads. A column of a file has the table `FILES`.
    `dialect` is sqlglot's name of its SQL.
    """
    tree = parse_one(sql, dialect=dialect)
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
    schema = MappingSchema(dialect=dialect)
    for (database, name), names in columns.items():
        schema.add_table(exp.table_(name, db=database), dict.fromkeys(names, "varchar"))
    resolved = qualify(tree, dialect=dialect, schema=schema, validate_qualify_columns=False, identify=False)
    scope = build_scope(resolved)
    if scope is None:
        return {}
    tracer = _Tracer()
    return {name: tracer.of(scope, name) for name in _names(scope)}
