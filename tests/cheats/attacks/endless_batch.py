# outcome: timeout
# says: double took longer than 2 s
# timeout: 2
def spin(batch, number):
    while True:
        pass


def double(numbers):
    stream = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 1).load()
    stream.writeStream.foreachBatch(spin).start().awaitTermination()
