# outcome: failed
# problem: took longer than 2 s and was stopped
# limits: {"cell_seconds": 2}
while True:
    pass
