# outcome: timeout
# says: double took longer than 2 s
# timeout: 2
def spin(batches):
    while True:
        pass


def double(numbers):
    return numbers.mapInPandas(spin, "n long, twice long")
