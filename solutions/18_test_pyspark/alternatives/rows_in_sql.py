# because: rows as the text of a query, compared as dicts; a missing price list by pytest.raises


def frame(spark: SparkSession, rows: list[tuple | dict], ddl: str) -> DataFrame:
    fields = StructType.fromDDL(ddl)
    types = {field.name: field.dataType.simpleString() for field in fields}

    def literal(name, value):
        quoted = "NULL" if value is None else "'" + str(value).replace("'", "\\'") + "'"
        return f"CAST({quoted} AS {types[name]})"

    lines = []
    for row in [*rows, {}]:
        values = row if isinstance(row, dict) else dict(zip(types, row, strict=True))
        if set(values) - set(types):
            raise ValueError(f"{row!r} doesn't fit {ddl}")
        lines.append(", ".join(literal(name, values.get(name)) for name in types))
    last = len(lines) - 1
    text = ", ".join(f"({number}, {line})" for number, line in enumerate(lines))
    names = ", ".join(types)
    return spark.sql(
        f"SELECT {names} FROM VALUES {text} AS rows(_number, {names}) WHERE _number < {last}"
    )


def assert_same(actual: DataFrame, expected: DataFrame, key: list[str]) -> None:
    kinds = [dict(one.dtypes) for one in (actual, expected)]
    if kinds[0] != kinds[1]:
        raise AssertionError(f"other columns: {sorted(kinds[0].items() ^ kinds[1].items())}")

    def near(mine, theirs):
        if type(mine) is float and type(theirs) is float:
            return abs(mine - theirs) <= 1e-6 or (mine != mine and theirs != theirs)
        return type(mine) is type(theirs) and mine == theirs

    left = [row.asDict() for row in expected.collect()]
    wrong = set()
    for row in (row.asDict() for row in actual.collect()):
        for number, other in enumerate(left):
            if all(near(row[name], other[name]) for name in row):
                del left[number]
                break
        else:
            wrong.add(tuple(row[name] for name in key))
    wrong |= {tuple(row[name] for name in key) for row in left}
    if wrong:
        raise AssertionError("the first difference is at " + " ".join(map(str, min(wrong))))


def test_upsert_prices(spark: SparkSession, pricing, tmp_path) -> None:
    import pytest

    source, target = tmp_path / "list", tmp_path / "next"
    kept = [(f"kept_{n}", f"{n}.00", 5) for n in range(4)]
    listed = frame(spark, [*kept, ("gone", "1.00", 5)], LISTED)
    listed.write.parquet(f"{source}")
    changes = [
        {"sku": "kept_0", "price": "9.99", "version": 4, "op": "u"},
        {"sku": "kept_1", "version": 6, "op": "u"},
        {"sku": "kept_2", "version": 5, "op": "u"},
        {"sku": "kept_3", "version": 4, "op": "d"},
        {"sku": "gone", "version": 6, "op": "d"},
        {"sku": "never", "version": 6, "op": "d"},
        {"sku": "new", "price": "1.00", "version": 1, "op": "u"},
        {"sku": "new", "price": "3.00", "version": 3, "op": "u"},
        {"sku": "new", "price": "2.00", "version": 2, "op": "u"},
    ]
    expected = [
        ("kept_0", "0.00", 5), ("kept_1", None, 6), ("kept_2", "2.00", 5), ("kept_3", "3.00", 5),
        ("new", "3.00", 3),
    ]  # fmt: skip
    with pytest.raises(Exception):  # noqa: B017
        pricing.upsert_prices(spark, tmp_path / "none", frame(spark, changes, CHANGES), target)
    for _ in "twice":
        pricing.upsert_prices(spark, source, frame(spark, changes, CHANGES), target)
    assert_same(spark.read.parquet(str(target)), frame(spark, expected, LISTED), ["sku"])
    assert_same(spark.read.parquet(str(source)), listed, ["sku"])
    pricing.upsert_prices(spark, source, frame(spark, [], CHANGES), target)
    assert_same(spark.read.parquet(str(target)), listed, ["sku"])
