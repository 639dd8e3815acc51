# outcome: failed
# says: twice|4
import tempfile

# Java calls this function over a line of its own; whoever answers may send commands over it.
said = []


def batch(frame, number):
    try:
        frame.sparkSession._jvm.java.lang.System.setProperty("labkit", "was here")
        said.append("opened")
    except Exception as error:
        said.append(str(error))
    said.append(frame.count())  # what is on the list works here


stream = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 5).load()
query = (
    stream.writeStream.foreachBatch(batch)
    .option("checkpointLocation", tempfile.mkdtemp())
    .trigger(once=True)
    .start()
)
query.awaitTermination(60)
assert len(said) == 2, said
assert "is not available to a graded submission" in said[0], said


def double(numbers):
    return numbers.selectExpr("n", "n * 4 AS twice")
