# fails: test_order_without_status_stays
# because: null != 'cancelled' is null, and where drops the row


def active_orders(orders: DataFrame) -> DataFrame:
    return orders.where(F.col("status") != "cancelled")
