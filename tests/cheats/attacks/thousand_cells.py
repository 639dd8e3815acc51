# outcome: failed
# repeat: 1000
x = 0
