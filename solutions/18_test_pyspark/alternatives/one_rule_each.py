# because: a test as a list of cases with a name each, rows collected once and looked up by key


def test_daily_revenue(spark: SparkSession, pricing) -> None:
    day_of = {"first": datetime(2026, 1, 1, 9), "30th": datetime(2026, 1, 30, 9)}
    sales = [
        (1, "ages", day_of["first"], Decimal("64.00")),
        (2, "ages", day_of["30th"], Decimal("1.00")),
        (3, "ages", day_of["30th"] + timedelta(days=1), Decimal("2.00")),
        (4, "ages", day_of["30th"] + timedelta(days=1), Decimal("4.00")),
        (5, "null", datetime(2026, 2, 1), None),
        (6, "late", datetime(2026, 2, 1, 4, 59, 59), Decimal("8.00")),
        (6, "late", datetime(2026, 2, 1, 4, 59, 59), Decimal("8.00")),
        (7, "late", datetime(2026, 2, 1, 5), Decimal("1.00")),
        (8, "summer", datetime(2026, 8, 1, 4, 30), Decimal("2.00")),
    ]
    found = pricing.daily_revenue(spark.createDataFrame(sales, SALES), "America/New_York")
    assert {field.name: field.dataType for field in found.schema} == {
        field.name: field.dataType for field in StructType.fromDDL(REVENUE)
    }
    rows = found.select("shop", "day", "revenue", "revenue_30d", "average_30d").collect()
    days = {(row.shop, row.day.isoformat()): row for row in rows}
    assert len(days) == len(rows), "a shop and a day are there twice"
    expected = {
        ("ages", "2026-01-01"): ("64.00", "64.00", 64),
        ("ages", "2026-01-30"): ("1.00", "65.00", 32.5),
        ("ages", "2026-01-31"): ("6.00", "7.00", 7 / 3),
        ("null", "2026-01-31"): ("0.00", "0.00", 0),
        ("late", "2026-01-31"): ("16.00", "16.00", 8),
        ("late", "2026-02-01"): ("1.00", "17.00", 17 / 3),
        ("summer", "2026-08-01"): ("2.00", "2.00", 2),
    }
    assert days.keys() == expected.keys(), f"days are {sorted(days)}"
    for key, (revenue, total, average) in expected.items():
        row = days[key]
        assert (row.revenue, row.revenue_30d) == (Decimal(revenue), Decimal(total)), key
        assert row.average_30d is not None and isclose(row.average_30d, average), key
    assert pricing.daily_revenue(spark.createDataFrame([], SALES), "UTC").isEmpty()


def test_returns_netted(spark: SparkSession, pricing) -> None:
    cases = {  # by sale: sold, returned, net
        "none": (3, [], 3),
        "two": (9, [1, 3], 5),
        "equal": (9, [2, 2], 5),
        "too many": (3, [2, 2], 0),
        "all": (2, [2], 0),
        "null": (4, [None], 4),
        "null and one": (4, [None, 1], 3),
    }
    numbers = dict(enumerate(cases))
    sales = [(number, name, cases[name][0]) for number, name in numbers.items()]
    returns = [(number, qty) for number, name in numbers.items() for qty in cases[name][1]]
    found = pricing.returns_netted(
        spark.createDataFrame(sales, SOLD), spark.createDataFrame([*returns, (1000, 1)], RETURNS)
    )
    long = dict.fromkeys(["sale_id", "qty", "net"], "bigint")
    assert dict(found.dtypes) == {"sku": "string", **long}
    rows = sorted((row.sale_id or 0, row.sku, row.qty, row.net) for row in found.collect())
    assert rows == [(number, name, sold, cases[name][2]) for number, name, sold in sales]


def test_upsert_prices(spark: SparkSession, pricing, tmp_path) -> None:
    def price(text):
        return None if text is None else Decimal(text)

    def changed(changes):
        rows = [(sku, price(cost), version, op) for sku, cost, version, op in changes]
        return spark.createDataFrame(rows, CHANGES)

    def run(listed, changes, target="after"):
        folders = [str(tmp_path / name) for name in ("before", target)]
        rows = [(sku, price(cost), version) for sku, cost, version in listed]
        spark.createDataFrame(rows, LISTED).write.mode("overwrite").parquet(folders[0])
        pricing.upsert_prices(spark, folders[0], changed(changes), folders[1])
        return [rows_of(folder) for folder in folders]

    def rows_of(folder):
        found = spark.read.parquet(folder)
        types = {"sku": "string", "price": "decimal(10,2)", "version": "bigint"}
        assert dict(found.dtypes) == types
        rows = found.collect()
        kept = {(row.sku, row.price and str(row.price), row.version): 1 for row in rows}
        return kept | {"rows": len(rows)}

    listed = [("a", "1.00", 1), ("b", "2.00", 7), ("c", "3.00", 1), ("d", "4.00", 7)]
    listed.append(("e", "5.00", 7))
    changes = [
        ("a", "9.00", 2, "u"), ("a", None, 4, "u"), ("a", "8.00", 3, "d"),
        ("b", "9.00", 6, "u"), ("c", "3.00", 2, "d"), ("d", "4.00", 6, "d"), ("d", "4.50", 7, "u"),
        ("e", "5.00", 6, "d"), ("f", "6.00", 1, "u"), ("g", "6.00", 1, "d"),
    ]  # fmt: skip
    after = [("a", None, 4), ("b", "2.00", 7), ("d", "4.00", 7), ("e", "5.00", 7), ("f", "6.00", 1)]
    before = dict.fromkeys(listed, 1) | {"rows": 5}
    for _ in range(2):
        assert run(listed, changes) == [before, dict.fromkeys(after, 1) | {"rows": 5}]
    assert run(listed, [], target="unchanged") == [before, before]
    raised = False
    try:
        pricing.upsert_prices(spark, f"{tmp_path}/nowhere", changed(changes), f"{tmp_path}/other")
    except Exception:
        raised = True
    assert raised, "no error without a list"
