"""The list holds what PySpark's, Delta's and our Python code calls, but for what it must not."""

import ast
from pathlib import Path

import delta
import pyspark
import pytest

from labkit.checks import jobs
from labkit.grading.gateway_policy import Policy

POLICY = Policy.load()
SQL = "org.apache.spark.sql."
STATUS = "org.apache.spark.status."
DELTA = "io.delta.tables."
BUILDERS = (
    *("DeltaMergeBuilder", "DeltaMergeMatchedActionBuilder", "DeltaMergeNotMatchedActionBuilder"),
    *("DeltaMergeNotMatchedBySourceActionBuilder", "DeltaTableBuilder", "DeltaOptimizeBuilder"),
)
# What PySpark calls an object of Java in its source, and the classes that it may be of.
CLASSES = {
    "_jdf": (SQL + "classic.Dataset",),
    "_jc": (SQL + "Column",),
    "_jreader": (SQL + "classic.DataFrameReader", SQL + "classic.DataStreamReader"),
    "_jwrite": (SQL + "classic.DataFrameWriter", SQL + "classic.DataStreamWriter"),
    "_jwriter": (SQL + "classic.DataFrameWriterV2", SQL + "classic.MergeIntoWriter"),
    "_jgd": (SQL + "classic.RelationalGroupedDataset", "java.lang.Object"),
    "_jspec": (SQL + "expressions.WindowSpec",),
    "_jcatalog": (SQL + "classic.Catalog",),
    "_jsparkSession": (SQL + "classic.SparkSession",),
    "_jsq": (
        SQL + "streaming.StreamingQuery",
        SQL + "execution.streaming.runtime.StreamingQueryWrapper",
    ),
    "_jsqm": (SQL + "classic.StreamingQueryManager",),
    "_jprogress": (SQL + "streaming.StreamingQueryProgress",),
    "_jbroadcast": ("org.apache.spark.broadcast.Broadcast",),
    "_jtracker": ("org.apache.spark.api.java.JavaSparkStatusTracker",),
    "_jsc": ("org.apache.spark.api.java.JavaSparkContext",),
    "_jrdd": (
        "org.apache.spark.api.java.JavaRDDLike",
        "org.apache.spark.api.java.JavaRDD",
        "java.lang.Object",
    ),
    "_jdt": (DELTA + "DeltaTable",),
    "_jbuilder": tuple(DELTA + name for name in BUILDERS),
    "_col_jbuilder": (DELTA + "DeltaColumnBuilder",),
    "_j_table_arg": (SQL + "TableArg",),
    # Of `measured`, which notebooks use.
    "job": (STATUS + "api.v1.JobData", "org.apache.spark.SparkJobInfo"),
    "done": (STATUS + "api.v1.StageData",),
    "store": (STATUS + "AppStatusStore",),
}
STATICS = {
    "PythonSQLUtils": SQL + "api.python.PythonSQLUtils",
    "PythonUtils": "org.apache.spark.api.python.PythonUtils",
    "PythonRDD": "org.apache.spark.api.python.PythonRDD",
    "SerDeUtil": "org.apache.spark.api.python.SerDeUtil",
}
# They name classes for the JVM to load, read what Java wrote, or belong to the whole context.
REFUSED = {
    *("jdbc", "objectFile", "saveAsObjectFile", "checkpointFile", "resources", "withResources"),
    *("getResourceProfile", "getExecutorInfos", "stop", "sqlContext", "broadcast"),
    *("sequenceFile", "hadoopFile", "hadoopRDD", "newAPIHadoopFile", "newAPIHadoopRDD"),
    *("saveAsHadoopDataset", "saveAsHadoopFile", "saveAsNewAPIHadoopFile", "saveAsSequenceFile"),
}


def sources():
    folder = Path(pyspark.__file__).parent
    yield from folder.glob("*.py")
    for part in ("core", "sql", "errors"):
        yield from (folder / part).rglob("*.py")
    yield from Path(delta.__file__).parent.glob("*.py")
    yield Path(jobs.__file__)


def calls():
    """(name of the object, method) in the source, outside Spark Connect."""
    for path in sources():
        if {"connect", "tests"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(
                node.value, (ast.Attribute, ast.Name)
            ):
                of = node.value
                yield of.attr if isinstance(of, ast.Attribute) else of.id, node.attr
            elif (
                isinstance(node, ast.Call)
                and ast.unparse(node.func) == "getattr"
                and isinstance(node.args[1], ast.Constant)
                and isinstance(node.args[0], ast.Attribute)
            ):
                yield node.args[0].attr, node.args[1].value


CALLS = sorted(set(calls()))


@pytest.mark.parametrize("name", CLASSES)
def test_methods_that_are_called_are_on_the_list(name):
    found = {method for of, method in CALLS if of == name} - REFUSED
    allowed = {
        m for m, names in POLICY.objects.items() if names & {*CLASSES[name], "java.lang.Object"}
    }
    assert found - allowed == set()
    assert found


@pytest.mark.parametrize("name", STATICS)
def test_static_methods_that_pyspark_calls_are_on_the_list(name):
    found = {method for of, method in CALLS if of == name} - REFUSED
    assert found - POLICY.statics[STATICS[name]] == set()
    assert found


def test_what_is_refused_on_purpose_is_on_no_list():
    allowed = POLICY.objects.keys() | {name for of in POLICY.statics.values() for name in of}
    assert allowed & REFUSED == {"stop"}  # of a stream


# Classes that PySpark names in its source and a submission may not use.
REFUSED_CLASSES = {
    "java.lang.Class",  # of the codec of saveAsTextFile
    "java.lang.System",
    "java.util.Properties",  # of a connection with JDBC
    "org.apache.hadoop.hive.conf.HiveConf",
    "org.apache.spark.resource.ResourceProfileBuilder",
    "org.apache.spark.sql.protobuf.functions",  # not among the jars
    "org.apache.spark.resource.ExecutorResourceRequests",
    "org.apache.spark.resource.TaskResourceRequests",
}


def classes():
    """The full names of classes that the source looks up."""
    for path in sources():
        if {"connect", "tests"} & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "JavaClass"):
                for one in node.args:
                    if isinstance(one, ast.Constant) and str(one.value).count(".") > 1:
                        yield one.value


def test_classes_that_pyspark_looks_up_are_on_the_list():
    found = set(classes()) - REFUSED_CLASSES
    assert len(found) > 20
    assert found - {*POLICY.statics, *POLICY.constructors, *POLICY.arrays} == set()
