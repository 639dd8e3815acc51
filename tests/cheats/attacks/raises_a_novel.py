# outcome: error
def double(numbers):
    raise ValueError("x" * 200_000_000)
