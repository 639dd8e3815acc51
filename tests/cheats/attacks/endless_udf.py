# outcome: timeout
# says: double took longer than 4 s
# timeout: 4
def spin(batches):
    while True:
        pass


def double(numbers):
    return numbers.mapInPandas(spin, "n long, twice long")
