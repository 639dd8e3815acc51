"""The list of calls: what PySpark needs is on it, and no way out of it is."""

import io

import pytest

from labkit.grading.gateway_policy import Policy
from labkit.grading.py4j_lines import read_command

POLICY = Policy.load()
SQL = "org.apache.spark.sql."
PARENTS = {
    "o1": ("org.apache.spark.sql.classic.SparkSession", SQL + "SparkSession", "java.lang.Object"),
    "o2": ("org.apache.spark.sql.classic.Dataset", "java.lang.Object"),
    "o3": ("java.lang.Class", "java.lang.Object"),
    "o4": ("org.apache.spark.SparkContext", "java.lang.Object"),
    "o5": ("org.apache.spark.sql.classic.RuntimeConfig", "java.lang.Object"),
    "o6": ("java.util.HashMap", "java.util.Map", "java.lang.Object"),
    "o7": ("org.apache.hadoop.conf.Configuration", "java.lang.Object"),
    "o8": ("org.apache.spark.sql.classic.DataFrameReader", "java.lang.Object"),
}


def refused(*lines):
    stream = io.BytesIO("\n".join([*lines, "e", ""]).encode())
    command = read_command(stream.readline()[:-1], stream)
    return POLICY.refused(command, lambda target: PARENTS.get(target, ()))


@pytest.mark.parametrize(
    "lines",
    [
        ("c", "o2", "select", "ro9"),
        ("c", "o2", "toString"),
        ("c", "o3", "getSimpleName"),
        ("c", "o1", "sql", "sSELECT 1"),
        ("c", f"z:{SQL}functions", "col", "sn"),
        ("c", "o5", "set", "sspark.sql.shuffle.partitions", "s4"),
        ("c", "o5", "set", "sspark.sql.streaming.stateStore.providerClass", "sa.RocksDB"),
        # Notebooks set these two as Delta's documentation says.
        ("c", "o6", "put", "sspark.sql.extensions", "sio.delta.sql.DeltaSparkSessionExtension"),
        (
            *("c", "o6", "put", "sspark.sql.catalog.spark_catalog"),
            "sorg.apache.spark.sql.delta.catalog.DeltaCatalog",
        ),
        ("c", "o6", "put", "sspark.sql.catalogImplementation", "shive"),  # enableHiveSupport()
        ("i", "java.util.HashMap"),
        ("r", "u", "org.apache.spark", "rj"),
        ("r", "u", "SparkConf", "rj"),
        ("r", "m", f"{SQL}functions", "col"),
        ("m", "d", "o2"),
        ("a", "c", "sint", "i3"),
        ("c", "GATEWAY_SERVER", "getCallbackClient"),
        ("c", "o2", "alias", "sjava_method"),
    ],
)
def test_what_pyspark_calls_is_allowed(lines):
    assert refused(*lines) == ""


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (("c", "z:java.lang.Runtime", "getRuntime"), "java.lang.Runtime.getRuntime"),
        (("c", "z:java.lang.System", "setProperty", "sa", "sb"), "java.lang.System.setProperty"),
        (("c", "z:java.lang.Class", "forName", "sx"), "java.lang.Class.forName"),
        (("c", f"z:{SQL}functions", "java_method", "ro1"), f"{SQL}functions.java_method"),
        (("c", "o3", "getMethod", "sx"), "java.lang.Class.getMethod"),
        (("c", "o3", "getDeclaredField", "sx"), "java.lang.Class.getDeclaredField"),
        (("c", "o2", "getClassLoader"), "org.apache.spark.sql.classic.Dataset.getClassLoader"),
        (("c", "o1", "sharedState"), "org.apache.spark.sql.classic.SparkSession.sharedState"),
        (("c", "o4", "hadoopConfiguration"), "org.apache.spark.SparkContext.hadoopConfiguration"),
        (("c", "o4", "stop"), "org.apache.spark.SparkContext.stop"),
        (("c", "o4", "addFile", "sx"), "org.apache.spark.SparkContext.addFile"),
        (("c", "o7", "set", "sa", "sb"), "org.apache.hadoop.conf.Configuration.set"),
        (("c", "o9", "set", "sa", "sb"), "set of nothing"),
        (("c", "o8", "jdbc", "sx"), "org.apache.spark.sql.classic.DataFrameReader.jdbc"),
        (("c", "o8", "format", "sJDBC"), "JDBC"),
        (("c", "o1", "sql", "sEXECUTE/**/IMMEDIATE x"), "EXECUTE IMMEDIATE"),
        (("c", "j", "getClass"), "j.getClass"),
        (("c", "t", "getClass"), "t.getClass"),
        (("c", "GATEWAY_SERVER", "shutdown"), "GATEWAY_SERVER.shutdown"),
        (("c", "o2", "equals", "rGATEWAY_SERVER"), "a part of py4j as an argument"),
        (
            ("c", "o6", "put", "sa", "fp0;java.lang.Runnable"),
            "a Python object as java.lang.Runnable",
        ),
        (("c", "o5", "set", "sspark.sql.catalog.x", "sa.B"), "a setting of another catalog"),
        (("c", "o5", "set", "sspark.sql.catalog.a-b", "sa.B"), "a setting of another catalog"),
        (("c", "o5", "set", "sfs.file.impl", "sa.B"), "a setting that loads a class"),
        (("c", "o5", "set", "sfs.a.impl.disable.cache", "strue"), "a setting that loads a class"),
        (("c", "o5", "set", "sparquet.x.classes", "sa.B"), "a setting that loads a class"),
        (
            ("c", "o5", "set", "sspark.sql.sources.commitProtocolClass", "sa.B"),
            "a setting that loads a class",
        ),
        (
            ("c", "o5", "set", "smapreduce.outputcommitter.factory.scheme.file", "sa.B"),
            "a setting that loads a class",
        ),
        (
            ("c", "o6", "put", "sa", "so.a.committer.manifest.ManifestCommitter"),
            "a setting that loads a class",
        ),
        (
            ("c", "o1", "sql", "sCREATE VIEW a USING text OPTIONS (`fs.file.impl` 'a.B')"),
            "a setting that loads a class",
        ),
        (
            ("c", "o1", "sql", "sSELECT * FROM a WITH ('fs.file.impl' = 'a.B')"),
            "a setting that loads a class",
        ),
        (("i", "java.io.File", "s/etc"), "new java.io.File(...)"),
        (("r", "u", "java.lang.Runtime", "rj"), "java.lang.Runtime"),
        (("r", "c", "java.lang.Runtime"), "py4j's command rc"),
        (("f", "g", "o1", "sessionState"), "py4j's command fg"),
        (("f", "s", "o1", "x", "i1"), "py4j's command fs"),
        (("j", "i", "rj", "sjava.io.*"), "an import of sjava.io.*"),
        (("a", "c", "sjava.net.URL", "i1"), "an array of java.net.URL"),
    ],
)
def test_ways_out_of_the_list_are_refused_by_name(lines, named):
    assert refused(*lines) == named


@pytest.mark.parametrize(
    ("plan", "text", "named"),
    [
        ("org.apache.spark.sql.execution.command.AddJarsCommand", "", "ADD JAR"),
        (
            "org.apache.spark.sql.catalyst.plans.logical.CreateFunction",
            "",
            "CREATE FUNCTION ... AS a class",
        ),
        ("a.SetCommand", "fs.x.impl = a.B", "a setting that loads a class"),
        (
            "a.SetCommand",
            "spark.sql.execution.pyspark.python = a",
            "a setting of the workers' Python",
        ),
        ("a.SetCommand", "spark.sql.ansi.enabled = false", ""),
        ("a.SetTableLocation", "", "ALTER TABLE ... SET LOCATION"),
        ("a.SetNamespaceLocation", "", "ALTER DATABASE ... SET LOCATION"),
        ("a.RenamePartitions", "", "ALTER TABLE ... PARTITION ... RENAME"),
        ("org.apache.spark.sql.catalyst.plans.logical.Project", "", ""),
        ("org.apache.spark.sql.catalyst.plans.logical.CreateUserDefinedFunction", "", ""),
    ],
)
def test_statements_are_refused_by_their_plan(plan, text, named):
    assert POLICY.refused_statement(plan, "a statement", text) == named


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (
            "create temporary Function identifier('a' || 'b') as 'C'",
            "CREATE FUNCTION ... AS a class",
        ),
        ("CREATE FUNCT\u0131ON/**/IDENTIFIER(x) AS 'C'", "CREATE FUNCTION ... AS a class"),
        ("ALTER TABLE IDENTIFIER(x) SET\nLOCATION 'a'", "SET LOCATION"),
        ("INSERT INTO IDENTIFIER(:table) SELECT 1 AS functions", ""),
    ],
)
def test_statements_whose_plan_hides_them_are_refused_by_their_words(text, named):
    plan = "org.apache.spark.sql.catalyst.analysis.PlanWithUnresolvedIdentifier"
    assert POLICY.refused_statement(plan, text, "") == named


def test_nothing_is_allowed_that_ends_the_list():
    """No reflection, no state that sessions share, no files or settings of the whole context."""
    never = {
        *("getMethod", "getMethods", "getField", "getDeclaredField", "getConstructor", "invoke"),
        *("forName", "newInstance", "getClassLoader", "loadClass", "getProtectionDomain", "exec"),
        *("sharedState", "hadoopConfiguration", "addFile", "addJar", "addArtifact", "jdbc"),
        *("registerJava", "registerJavaUDAF", "newAPIHadoopRDD", "hadoopRDD", "sequenceFile"),
        *("executeCommand", "resourceLoader", "setConfString", "functionRegistry", "objectFile"),
        *("createStreamingQuery", "experimental", "extensions", "listenerManager", "stop"),
    }
    allowed = POLICY.objects.keys() | {name for names in POLICY.statics.values() for name in names}
    assert never & allowed == {"forName", "getField", "stop"}
    assert POLICY.objects["stop"] == {SQL + "streaming.StreamingQuery"}
    assert POLICY.objects["getField"] == {SQL + "Column"}
    assert {name for name, of in POLICY.statics.items() if "forName" in of} == {
        "io.delta.tables.DeltaTable"
    }
