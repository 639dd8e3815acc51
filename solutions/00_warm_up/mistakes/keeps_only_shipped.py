# fails: test_cancelled_orders_are_gone
# because: open orders count as well


def active_orders(orders: DataFrame) -> DataFrame:
    return orders.where("status = 'shipped' or status is null")
