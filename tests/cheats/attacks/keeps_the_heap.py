# jvm: java.nio.ByteBuffer.allocate
# outcome: failed
# spoils: of its heap is taken
held = spark._jvm.java.util.ArrayList()
for _ in range(6):
    held.add(spark._jvm.java.nio.ByteBuffer.allocate(220 << 20))
spark._jvm.java.lang.System.getProperties().put("mine", held)
