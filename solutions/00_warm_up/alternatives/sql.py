# because: pure SQL over a frame as a parameter


def active_orders(orders: DataFrame) -> DataFrame:
    return orders.sparkSession.sql(
        "select * from {orders} where not (status <=> 'cancelled')", orders=orders
    )


def revenue(orders: DataFrame) -> DataFrame:
    return orders.sparkSession.sql(
        "select customer, coalesce(sum(amount), 0D) as revenue from {active} group by customer",
        active=active_orders(orders),
    )
