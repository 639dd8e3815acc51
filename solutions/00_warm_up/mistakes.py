# %% drops_unknown_status
# task: active_orders
# fails: test_order_without_status_stays
# because: null != 'cancelled' is null, and where drops the row
# breaks: all rows except those with the status `cancelled`
def active_orders(orders: DataFrame) -> DataFrame:
    return orders.where(F.col("status") != "cancelled")


# %% keeps_only_shipped
# task: active_orders
# fails: test_cancelled_orders_are_gone
# because: open orders count as well
# breaks: all rows except those with the status `cancelled`
def active_orders(orders: DataFrame) -> DataFrame:
    return orders.where("status = 'shipped' or status is null")


# %% filters_again_and_differently
# task: revenue
# fails: test_order_without_status_counts
# because: writes the filter a second time, without the unknown status
# breaks: Call your first function rather than filtering again
def revenue(orders: DataFrame) -> DataFrame:
    kept = orders.where("status <> 'cancelled'")
    return kept.groupBy("customer").agg(F.coalesce(F.sum("amount"), F.lit(0.0)).alias("revenue"))


# %% loses_customers_without_amounts
# task: revenue
# fails: test_customer_without_amounts_has_zero
# because: drops the rows without an amount, and with them the customer
# breaks: one row for each customer who has an active order
def revenue(orders: DataFrame) -> DataFrame:
    known = active_orders(orders).dropna(subset=["amount"])
    return known.groupBy("customer").agg(F.sum("amount").alias("revenue"))


# %% null_revenue
# task: revenue
# fails: test_customer_without_amounts_has_zero
# because: the sum over nulls only is null
# breaks: A customer none of whose active orders has an amount yet has a revenue of 0.
def revenue(orders: DataFrame) -> DataFrame:
    return active_orders(orders).groupBy("customer").agg(F.sum("amount").alias("revenue"))


# %% sums_cancelled_orders
# task: revenue
# fails: test_revenue_counts_active_orders_only
# because: forgets to filter before the sum
# breaks: `revenue` is the sum of the amounts of the customer's active orders.
# -    return active_orders(orders).groupBy("customer").agg(total.alias("revenue"))
# +    return orders.groupBy("customer").agg(total.alias("revenue"))
