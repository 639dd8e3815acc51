# needs: sandbox
# outcome: failed
# A line that was closed keeps its port for a minute. Here are as many as there are ports.
import socket

ports = open("/proc/sys/net/ipv4/ip_local_port_range").read().split()
first, last = map(int, ports)
listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
for port in range(first, last + 1):
    line = socket.socket()
    try:
        line.bind(("127.0.0.1", port))
        line.connect(listening.getsockname())
    except OSError:  # somebody has it
        line.close()
        continue
    other, _ = listening.accept()
    line.close()
    other.close()
listening.close()
