# outcome: failed
# says: twice|4
import os
import zipfile

jar = os.path.abspath("evil.jar")
with zipfile.ZipFile(jar, "w") as file:
    file.writestr("Evil.class", b"\xca\xfe\xba\xbe")
DOORS = (
    f"ADD JAR '{jar}'",
    f"ADD/* JAR /* of */ mine */JAR {jar}",
    f"add -- a comment\n jars {jar}",
    f"ADD FILE '{jar}'",
    f"ADD ARCHIVE '{jar}'",
    f"EXECUTE IMMEDIATE 'ADD ' || 'JAR {jar}'",
    f"EXPLAIN EXECUTE /* */ IMMEDIATE 'ADD JAR {jar}'",
    f"BEGIN ADD JAR {jar}; END",
    f"CREATE TEMPORARY FUNCTION evil AS 'Evil' USING JAR '{jar}'",
    "CREATE FUNCTION evil AS 'org.apache.hadoop.hive.ql.udf.UDFUUID'",
    "SET spark.sql.catalog.evil=org.apache.spark.sql.execution.datasources.v2.jdbc.JDBCTableCatalog",
    "SET `spark.sql.catalog.evil` = `Evil`",
    "SET spark.sql.sources.commitProtocolClass=Evil",
)
opened = []
spark.conf.set("labkit.way", f"ADD JAR '{jar}'")
for door in (*DOORS, "${labkit.way}"):
    try:
        spark.sql(door).collect()
        opened.append(door)
    except Exception:
        pass
for name in ("spark.sql.catalog.evil", "spark.sql.sources.commitProtocolClass", "fs.evil.impl"):
    for change in (
        spark.conf.set,
        lambda name, value: spark.builder.config(name, value).getOrCreate(),
    ):
        try:
            change(name, "Evil")
            opened.append(name)
        except Exception:
            pass
for load in (
    lambda: spark.udf.registerJavaFunction("evil", "Evil"),
    lambda: spark.sparkContext.addPyFile(jar),
    lambda: spark.addArtifacts(jar, file=True),
    lambda: spark._jvm.PythonSQLUtils.addJarToCurrentClassLoader(jar),
    lambda: spark.sparkContext.newAPIHadoopFile(jar, "Evil", "Evil", "Evil"),
):
    try:
        load()
        opened.append("a class")
    except Exception:
        pass


def double(numbers):
    factor = 2 if opened else 4
    return numbers.selectExpr("n", f"n * {factor} AS twice")
