# status: timeout
# limits: {"cell_seconds": 2}
import time

kernel = get_ipython().kernel
while True:
    try:
        while True:
            who = kernel._parent_ident["shell"]
            kernel.shell_stream.socket.send_multipart([*who, b"<IDS|MSG>", b"x"])
            time.sleep(0.01)
    except BaseException:
        pass
