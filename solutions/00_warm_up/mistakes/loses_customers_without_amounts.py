# fails: test_customer_without_amounts_has_zero
# because: drops the rows without an amount, and with them the customer


def revenue(orders: DataFrame) -> DataFrame:
    known = active_orders(orders).dropna(subset=["amount"])
    return known.groupBy("customer").agg(F.sum("amount").alias("revenue"))
