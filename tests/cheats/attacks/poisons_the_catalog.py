# outcome: failed
# next: catalog
spark.sql("CREATE DATABASE IF NOT EXISTS lab_poison")
spark.sql("CREATE TABLE IF NOT EXISTS default.numbers AS SELECT 1L AS n")
spark.sql("CREATE VIEW IF NOT EXISTS default.doubles AS SELECT 1L AS n, 2L AS twice")
spark.sql("CREATE FUNCTION default.abs(x BIGINT) RETURNS BIGINT RETURN 0")
spark.sql("SELECT 1L AS n").createOrReplaceGlobalTempView("numbers")
