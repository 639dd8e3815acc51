# outcome: failed
# problem: JDBC is not available to a graded submission
# Derby is among Spark's jars, and runs static methods of Java in SQL of its own.
spark.read.format("jdbc").options(
    url="jdbc:derby:memory:evil;create=true",
    dbtable="(VALUES 1) AS t",
    sessionInitStatement=(
        "CREATE PROCEDURE evil(k VARCHAR(9), v VARCHAR(9)) LANGUAGE JAVA PARAMETER STYLE JAVA "
        "NO SQL EXTERNAL NAME 'java.lang.System.setProperty'"
    ),
).load().collect()
