"""The team's own tests: they run every line of the package, and pass."""

from datetime import datetime


def test_latest_prices(spark, pricing):
    rows = [("tea", datetime(2026, 3, 1), 4.5, 1), ("tea", datetime(2026, 3, 2), 4.9, 2)]
    prices = spark.createDataFrame(rows, "sku string, valid_from timestamp, price double, seq long")
    assert pricing.latest_prices(prices, datetime(2026, 3, 3)).count() == 1


def test_daily_revenue(spark, pricing):
    rows = [(1, "Bari", datetime(2026, 3, 1, 9), 10.0), (2, "Bari", datetime(2026, 3, 2, 9), 20.0)]
    sales = spark.createDataFrame(
        rows, "sale_id long, shop string, sold_at timestamp, amount double"
    )
    days = pricing.daily_revenue(sales, "Europe/Rome").orderBy("day").collect()
    assert [float(row.revenue) for row in days] == [10.0, 20.0]
    assert days[-1].average_30d == 15.0
