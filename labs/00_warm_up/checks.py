"""Checks of lab 00: small on purpose, and a first example of how to test PySpark."""

from labkit.checks import assert_frame, check

HINTS = {
    "active_orders": [
        "`where` keeps a row only when its condition is true. What else can a condition be "
        "besides false?",
        "An order without a status was not cancelled. What is `null != 'cancelled'`?",
    ],
    "revenue": [
        "Group by customer and sum. The filter is already written, in `active_orders`.",
        "The sum of a group in which every amount is null is null. `coalesce` gives it a "
        "value.",
    ],
}

ORDERS = "order_id long, customer string, status string, amount double"
REVENUE = "customer string, revenue double"


@check("active_orders")
def test_cancelled_orders_are_gone(learner, frame):
    """Leaves out cancelled orders and keeps every other row, with all columns"""
    orders = frame(
        ORDERS,
        [(10, "Edsger", "open", 1.0), (11, "Edsger", "cancelled", 2.0), (12, "Barbara", "shipped", 3.0)],
    )
    assert_frame(
        learner.active_orders(orders),
        [(10, "Edsger", "open", 1.0), (12, "Barbara", "shipped", 3.0)],
        key="order_id",
        schema=ORDERS,
    )


@check("active_orders")
def test_order_without_status_stays(learner, frame):
    """Keeps an order without a status"""
    orders = frame(ORDERS, [(20, "Edsger", None, 4.0), (21, "Edsger", "cancelled", 5.0)])
    assert_frame(learner.active_orders(orders), [(20, "Edsger", None, 4.0)], key="order_id")


@check("revenue", points=2)
def test_revenue_counts_active_orders_only(learner, frame):
    """Sums the amounts of the active orders of each customer"""
    orders = frame(
        ORDERS,
        [
            (30, "Edsger", "open", 1.5),
            (31, "Edsger", "shipped", 2.0),
            (32, "Edsger", "cancelled", 100.0),
            (33, "Barbara", "open", 7.0),
        ],
    )
    expected = [("Edsger", 3.5), ("Barbara", 7.0)]
    assert_frame(learner.revenue(orders), expected, key="customer", schema=REVENUE)


@check("revenue")
def test_customer_without_amounts_has_zero(learner, frame):
    """Gives 0 to a customer none of whose active orders has an amount yet"""
    orders = frame(ORDERS, [(40, "Edsger", "open", None), (41, "Barbara", "open", 1.0)])
    assert_frame(learner.revenue(orders), [("Edsger", 0.0), ("Barbara", 1.0)], key="customer")
