# outcome: failed
# says: twice|4
import socket

# What the filter reads as one command, Java must not read as two, nor as another one.
told = spark.sparkContext._gateway.gateway_parameters
EXIT = b"c\nz:java.lang.Runtime\ngetRuntime\ne\n"
TRIES = (
    EXIT,
    b"c\rz:java.lang.Runtime\rgetRuntime\re\r" + EXIT,
    b"r\nm\norg.apache.spark.SparkFiles\ngetRootDirectory\n" + EXIT,
    b"m\nd\no999999\n" + EXIT,
    b"j\ni\nrj\nsjava.lang.*\ne\n",
    b"c\nt\ngetClass\ne\n",
    b"c\nGATEWAY_SERVER\ngetClass\ne\n",
    b"f\ng\no0\nx\ne\n",
    b"s\ne\n",
    b"!yro0\n" + EXIT,
    b"c\no0\ngetClass\nro0\n\ne\n" + EXIT,
)
opened = []
for words in TRIES:
    with socket.create_connection(("127.0.0.1", told.port), timeout=5) as line:
        line.sendall(f"A\n{told.auth_token}\n".encode())
        answers = line.makefile("rb")
        assert answers.readline() == b"!yv\n"
        line.sendall(words)
        line.shutdown(socket.SHUT_WR)
        answer = answers.read()
        if any(part[:3] in (b"!yr", b"!yc", b"!yv") for part in answer.split(b"\n")):
            opened.append((words, answer))


def double(numbers):
    factor = 2 if opened else 4
    return numbers.selectExpr("n", f"n * {factor} AS twice")
