# status: crashed
# What a kernel says of a cell is the submission's word: here of an error whose trace is a number.
session = get_ipython().kernel.session
send = session.send


def send_nonsense(stream, kind, content=None, *args, **kwargs):
    if kind == "execute_reply":
        content = {"status": "error", "traceback": 5}
    return send(stream, kind, content, *args, **kwargs)


session.send = send_nonsense
