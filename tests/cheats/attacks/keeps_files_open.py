# jvm: new java.io.FileInputStream(...)
# outcome: failed
# spoils: files are open
held = spark._jvm.java.util.ArrayList()
for _ in range(5_000):
    held.add(spark._jvm.java.io.FileInputStream("/etc/passwd"))
spark._jvm.java.lang.System.getProperties().put("mine", held)
