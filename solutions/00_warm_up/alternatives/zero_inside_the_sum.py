# because: turns null into 0 before the sum


def revenue(orders: DataFrame) -> DataFrame:
    amount = F.coalesce("amount", F.lit(0.0))
    return active_orders(orders).groupBy("customer").agg(F.sum(amount).alias("revenue"))
