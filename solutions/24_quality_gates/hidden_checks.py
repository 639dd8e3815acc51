"""Hidden checks of lab 24."""

import random

from checks import assert_states, random_flows

from labkit.checks import check


@check("pipeline")
def test_many_states(learner, seed):
    """Has the right states"""
    rng = random.Random(f"more {seed}")
    for _ in range(40):
        given = random_flows(rng)
        assert_states(learner.pipeline(*given), *given)
