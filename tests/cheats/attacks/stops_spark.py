# outcome: error
# spoils: .
# jvm: org.apache.spark.SparkContext.stop
spark._jsc.sc().stop()
spark.stop()
