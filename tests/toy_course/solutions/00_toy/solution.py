# ---
# level: starter
# minutes: 5
# needs: []
# datasets: [numbers]
# topics: [toy]
# ---
# %% [markdown]
# # Double and sum

# %%
import labkit

lab = labkit.open("toy")
spark = lab.spark

# %%
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


# %%
def double(numbers: DataFrame) -> DataFrame:
    """n, twice: every number and its double."""
    # BEGIN SOLUTION: add the column
    return numbers.select("n", (F.col("n") * 2).alias("twice"))
    # END SOLUTION


# %%
lab.check("double")


# %%
def store(spark: SparkSession, table: str, numbers: DataFrame) -> None:
    """Writes the doubled numbers to a Delta table."""
    # BEGIN SOLUTION: write the table
    double(numbers).write.format("delta").mode("append").saveAsTable(table)
    # END SOLUTION


# %%
lab.check("store")

# %%
if lab.written("double"):
    double(spark.read.schema("n long").json(str(lab.data("numbers")))).show()

# %% [markdown] tags=["solution"]
# Only the solved notebook says this.
