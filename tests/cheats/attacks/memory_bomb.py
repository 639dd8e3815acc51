# outcome: error
# says: MemoryError
# limits: {"memory_mb": 3000}
def double(numbers):
    hoard = []
    while True:
        hoard.append(bytearray(50_000_000))
