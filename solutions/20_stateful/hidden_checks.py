"""Hidden checks of lab stateful."""

from labkit.checks import assert_frame, check


@check("first_task")
def test_null_rows_collapse(learner, frame):
    """treats null as a value"""
    rows = frame("id long", [(None,), (None,)])
    assert_frame(learner.first_task(rows), [(None,)], key="id")
