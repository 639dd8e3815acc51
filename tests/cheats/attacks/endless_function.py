# outcome: timeout
# says: double took longer than 2 s
# timeout: 2
def double(numbers):
    while True:
        pass
