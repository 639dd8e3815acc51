# says: double took longer than 2 s|process
# timeout: 2
def double(numbers):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
