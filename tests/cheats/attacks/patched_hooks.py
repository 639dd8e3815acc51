# outcome: error
# says: ZeroDivisionError
import atexit
import os
import sys
import threading
import traceback

sys.excepthook = threading.excepthook = sys.unraisablehook = lambda *args: None
traceback.extract_tb = traceback.format_exception = lambda *args, **kwargs: []
atexit.register(lambda: os._exit(0))


def double(numbers):
    return 1 / 0
