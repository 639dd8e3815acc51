# outcome: failed
# spoils: processes have ended
# next: udf
# Orphans that have ended: the JVM is their parent and waits for none, so they take the places of
# its threads.
@F.udf("long")
def leave(number):
    import os

    for _ in range(500):
        child = os.fork()
        if child == 0:
            os.fork()  # the one that is left when its parent ends is the JVM's
            os._exit(0)
        os.waitpid(child, 0)
    return number


spark.range(0, 1, 1, 1).select(leave("id")).collect()
