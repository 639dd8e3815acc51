# outcome: error
# says: Spark|process|Py4J
# spoils: .
# jvm: java.lang.Runtime.getRuntime
def double(numbers):
    numbers._sc._jvm.java.lang.Runtime.getRuntime().halt(0)
