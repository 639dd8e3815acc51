# outcome: error
# spoils: .
spark._jsc.sc().stop()
spark.stop()
