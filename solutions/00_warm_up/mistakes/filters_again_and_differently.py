# fails: test_order_without_status_counts
# because: writes the filter a second time, without the unknown status


def revenue(orders: DataFrame) -> DataFrame:
    kept = orders.where("status <> 'cancelled'")
    return kept.groupBy("customer").agg(F.coalesce(F.sum("amount"), F.lit(0.0)).alias("revenue"))
