# status: timeout
# limits: {"cell_seconds": 2}
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
