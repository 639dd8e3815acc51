"""Hidden checks of lab 23."""
