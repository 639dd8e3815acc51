# timeout: 60
# outcome: error
# says: more than 64 MB
def double(numbers):
    session = get_ipython().kernel.session
    send = session.send
    part = memoryview(bytes(50_000_000))

    def sending(*args, **options):
        return send(*args, **{**options, "buffers": [part] * 100})

    session.send = sending
    return numbers
