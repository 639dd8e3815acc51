"""Hidden checks of lab 11: the same rules on other contracts and random values."""
