# jvm: org.apache.spark.api.java.JavaSparkContext.hadoopConfiguration
# spoils: Hadoop
settings = spark._jsc.hadoopConfiguration()
settings.set("fs.file.impl", "nope.Nope")
settings.set("fs.file.impl.disable.cache", "true")
