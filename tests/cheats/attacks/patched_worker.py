# outcome: failed
# next: udf
def poison(_):
    import pyspark.worker
    from pyspark import serializers

    load = serializers.CPickleSerializer.loads
    serializers.CPickleSerializer.loads = lambda self, data, encoding="bytes": [
        (1, 2) for _ in load(self, data, encoding)
    ]
    pyspark.worker.main = None
    return [1]


spark.sparkContext.parallelize(range(8), 8).mapPartitions(poison).collect()
