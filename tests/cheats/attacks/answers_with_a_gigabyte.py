# outcome: failed
# says: characters
def double(numbers):
    return ["x" * 50_000_000] * 20
