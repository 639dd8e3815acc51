# because: chispa in place of an own comparison, the key found by counting; rows through pandas


def frame(spark: SparkSession, rows: list[tuple | dict], ddl: str) -> DataFrame:
    import pandas as pd

    fields = StructType.fromDDL(ddl)
    readers = {
        "decimal": Decimal, "date": date.fromisoformat,
        "timestamp": lambda text: datetime.strptime(f"{text} 00:00:00"[:19], "%Y-%m-%d %H:%M:%S"),
    }  # fmt: skip
    if not rows:  # of an empty frame of pandas Spark makes a list
        nulls = [F.lit(None).cast(field.dataType).alias(field.name) for field in fields]
        return spark.range(0).select(*nulls)
    columns = {field.name: [] for field in fields}
    for row in rows:
        if isinstance(row, tuple):
            if len(row) != len(fields):
                raise ValueError(f"{row} has {len(row)} values")
            row = dict(zip(fields.names, row, strict=True))
        elif not row.keys() <= set(fields.names):
            raise ValueError(f"{row} has other columns than {ddl}")
        for field in fields:
            value = row.get(field.name)
            if isinstance(value, str) and (kind := field.dataType.typeName()) in readers:
                value = readers[kind](value)
            columns[field.name].append(value)
    series = {name: pd.Series(values, dtype=object) for name, values in columns.items()}
    return spark.createDataFrame(pd.DataFrame(series), fields)


def assert_same(actual: DataFrame, expected: DataFrame, key: list[str]) -> None:
    both = actual, expected
    kinds = [sorted((field.name, str(field.dataType)) for field in one.schema) for one in both]
    assert kinds[0] == kinds[1], f"{kinds[0]} in place of {kinds[1]}"
    doubles = [name for name, kind in kinds[0] if kind == "DoubleType()"]
    exact = [name for name, _ in kinds[0] if name not in doubles]

    def ordered(rows):
        def place(row):
            nulls_first = [(row[name] is not None, row[name]) for name in exact + doubles]
            return [(known, value if known else 0) for known, value in nulls_first]

        found = {}
        for row in rows.collect():
            found.setdefault(tuple(row[name] for name in key), []).append(row)
        return {one: sorted(some, key=place) for one, some in found.items()}

    def equal(one, two):
        if any(one[name] != two[name] for name in exact):
            return False
        for name in doubles:
            mine, theirs = one[name], two[name]
            if mine is None or theirs is None:
                if mine is not theirs:
                    return False
            elif isnan(mine) or isnan(theirs):
                if not (isnan(mine) and isnan(theirs)):
                    return False
            elif abs(mine - theirs) > 1e-6:
                return False
        return True

    got, want = ordered(actual), ordered(expected)
    for one in sorted({*got, *want}):
        mine, theirs = got.get(one, []), want.get(one, [])
        assert len(mine) == len(theirs) and all(map(equal, mine, theirs)), (
            f"rows of {', '.join(map(str, one))} differ"
        )


def events(seed: int, n: int) -> list[tuple]:
    random = Random(f"sales {seed}")
    rows = []
    for number in range(n):
        day, second = random.randint(1, 31), random.choice([0, 3_600, 23 * 3_600 + 59])
        sold_at = datetime(2026, 3, day) + timedelta(seconds=second)
        cents = random.choice([None, 1, 100, 199, 50_000])
        amount = None if cents is None else (Decimal(cents) / 100).quantize(Decimal("0.01"))
        rows.append([n - number, SHOPS[random.randrange(3)], sold_at, amount])
    if n >= 200:
        hard = [datetime(2026, 3, 9), datetime(2026, 3, 9, 23, 59, 59)]
        for place, sold_at in enumerate([*hard, hard[0]]):
            rows[place][1:] = [SHOPS[place % 2], sold_at, None if place else Decimal("0.99")]
        rows[3][1] = SHOPS[2]
        random.shuffle(rows)
    return [tuple(row) for row in rows]


def test_latest_prices(spark: SparkSession, pricing) -> None:
    from chispa import assert_df_equality

    noon = datetime(2026, 3, 5, 12)
    prices = spark.createDataFrame(
        [
            ("a", noon, Decimal("1.00"), 2),
            ("a", noon, Decimal("2.00"), 10),
            ("a", noon, Decimal("3.00"), 1),
            ("a", noon - timedelta(days=1), Decimal("4.00"), 11),
            ("a", noon + timedelta(seconds=1), Decimal("5.00"), 9),
            ("b", noon - timedelta(days=2), Decimal("6.00"), 1),
            ("b", noon - timedelta(days=1), None, 2),
            ("b", noon - timedelta(days=1), None, 2),
        ],
        PRICES,
    )
    expected = spark.createDataFrame(
        [("a", noon, Decimal("2.00"), 10), ("b", noon - timedelta(days=1), None, 2)], PRICES
    )
    assert_df_equality(
        pricing.latest_prices(prices, noon), expected,
        ignore_row_order=True, ignore_column_order=True, ignore_nullable=True,
    )  # fmt: skip


def test_convert(spark: SparkSession, pricing) -> None:
    from pyspark.testing import assertDataFrameEqual

    sales = spark.sql(
        """SELECT * FROM VALUES (1L, 'Usd', 0.50BD), (1L, 'Usd', 0.50BD), (2L, 'GBP', -0.10BD),
        (3L, 'USD', 0.30BD), (4L, 'chf', 9.99BD), (5L, null, 1.00BD), (6L, 'usd', null),
        (7L, 'USD', 0.99BD) AS t(sale_id, currency, amount)"""
    ).select("sale_id", "currency", F.col("amount").cast("decimal(10,2)"))
    rates = spark.sql("SELECT currency, cast(rate AS decimal(12,6)) AS rate FROM VALUES "
                      "('USD', 0.85), ('gbp', 0.65), ('JPY', 0.005), ('SEK', 0.499999) "
                      "AS t(currency, rate)")
    euros = {1: "0.43", 2: "-0.07", 3: "0.26", 4: None, 5: None, 6: None, 7: "0.84"}
    want = [
        (row.sale_id, row.currency, row.amount, euros[row.sale_id] and Decimal(euros[row.sale_id]))
        for row in sales.collect()
    ]
    more = [
        (8, "JPY", Decimal("100.00"), Decimal("0.50")), (9, "SEK", Decimal("0.01"), Decimal("0.00"))
    ]  # fmt: skip
    sales = sales.union(spark.createDataFrame([row[:3] for row in more], sales.schema))
    expected = spark.createDataFrame([*want, *more], f"{FOREIGN}, eur decimal(12,2)")
    actual = pricing.convert(sales, rates).select(*expected.columns)
    assert actual.schema["eur"].dataType == expected.schema["eur"].dataType
    assertDataFrameEqual(actual, expected)
