# fails: test_customer_without_amounts_has_zero
# because: the sum over nulls only is null


def revenue(orders: DataFrame) -> DataFrame:
    return active_orders(orders).groupBy("customer").agg(F.sum("amount").alias("revenue"))
