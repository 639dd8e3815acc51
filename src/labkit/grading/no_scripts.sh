# What bash reads before a script, in the environment of a grading JVM: only Spark's own start goes on.
case "$0" in
*/spark-submit | */spark-class) ;;
*) exit 126 ;;
esac
