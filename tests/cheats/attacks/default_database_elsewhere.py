# outcome: failed
# next: tables
# jvm: ALTER DATABASE ... SET LOCATION
# spoils: default database
# Tables of the next submission would lie where nobody can write.
spark.sql("ALTER DATABASE default SET LOCATION 'file:/nowhere'")
