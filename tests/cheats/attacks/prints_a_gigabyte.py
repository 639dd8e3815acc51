# outcome: failed
# problem: cut at
line = "x" * 1_000_000 + "\n"
for _ in range(1000):
    print(line, end="")
