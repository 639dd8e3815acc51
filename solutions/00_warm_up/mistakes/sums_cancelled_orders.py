# fails: test_revenue_counts_active_orders_only
# because: forgets to filter before the sum


def revenue(orders: DataFrame) -> DataFrame:
    total = F.coalesce(F.sum("amount"), F.lit(0.0))
    return orders.groupBy("customer").agg(total.alias("revenue"))
