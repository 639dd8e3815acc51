# outcome: failed
# spoils: databases and tables are left
for number in range(150):
    spark.sql(f"CREATE DATABASE mine_{number}")
