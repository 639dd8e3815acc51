"""Hidden check of lab 00."""

from labkit.checks import assert_frame, check

ORDERS = "order_id long, customer string, status string, amount double"


@check("revenue")
def test_order_without_status_counts(learner, frame):
    """counts an order without a status"""
    orders = frame(ORDERS, [(50, "Edsger", None, 2.0), (51, "Edsger", "cancelled", 1.0)])
    assert_frame(learner.revenue(orders), [("Edsger", 2.0)], key="customer")
