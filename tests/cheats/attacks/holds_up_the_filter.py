# outcome: timeout
# limits: {"submission_seconds": 8}
# spoils: ran out of time
# A text in which the filter looks for words for hours: whoever ends it must not wait for that.
import socket

told = spark.sparkContext._gateway.gateway_parameters
context = spark.sparkContext._jsc._target_id
line = socket.create_connection(("127.0.0.1", told.port))
text = "execute " * 300_000
line.sendall(f"A\n{told.auth_token}\nc\n{context}\nsetJobDescription\ns{text}\ne\n".encode())
