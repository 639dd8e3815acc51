"""Servers beside Spark that some labs need, started and stopped by labkit."""
