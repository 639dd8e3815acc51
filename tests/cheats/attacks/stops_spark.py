# outcome: error
spark._jsc.sc().stop()
spark.stop()
