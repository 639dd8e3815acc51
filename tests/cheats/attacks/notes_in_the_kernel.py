# outcome: failed
# next: kernel
# needs: sandbox
# Memory, messages and keys that Linux keeps beside files: they outlive the worker that made them.
import ctypes


@F.udf("long")
def keep(number):
    libc = ctypes.CDLL(None)
    libc.shmget(7, 1 << 20, 0o1600)
    libc.msgget(7, 0o1600)
    libc.semget(7, 1, 0o1600)
    return number


spark.range(0, 1, 1, 1).select(keep("id")).collect()
