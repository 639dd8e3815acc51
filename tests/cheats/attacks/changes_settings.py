# outcome: failed
# spoils: settings
# jvm: org.apache.spark.sql.classic.SparkSession.getDefaultSession
wild = {
    "spark.sql.session.timeZone": "Asia/Tokyo",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.optimizer.maxIterations": "1",
    "spark.sql.limit.initialNumPartitions": "0",
}
base = spark._jvm.org.apache.spark.sql.classic.SparkSession.getDefaultSession().get()
for key, value in wild.items():
    try:
        spark.conf.set(key, value)
        base.conf().set(key, value)
    except Exception:
        pass
