# outcome: error
# jvm: java.nio.ByteBuffer.allocate
def double(numbers):
    jvm = numbers._sc._jvm
    hoard = jvm.java.util.ArrayList()
    while True:
        hoard.add(jvm.java.nio.ByteBuffer.allocate(200_000_000))
