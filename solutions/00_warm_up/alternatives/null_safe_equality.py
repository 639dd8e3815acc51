# because: eqNullSafe instead of coalesce


def active_orders(orders: DataFrame) -> DataFrame:
    return orders.where(~F.col("status").eqNullSafe("cancelled"))
