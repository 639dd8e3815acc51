# outcome: failed
import os

for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
os.mkdir("locked")
os.chmod("locked", 0)
os.symlink("/", "root")
