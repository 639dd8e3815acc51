# outcome: error
def hoard(batches):
    kept = []
    while True:
        kept.append(bytearray(50_000_000))


def double(numbers):
    return numbers.mapInPandas(hoard, "n long, twice long")
