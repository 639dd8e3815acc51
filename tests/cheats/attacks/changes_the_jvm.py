# outcome: failed
# spoils: time zone, locale
# jvm: java.util.TimeZone.getTimeZone
zones = spark._jvm.java.util.TimeZone
zones.setDefault(zones.getTimeZone("Asia/Tokyo"))
spark._jvm.java.util.Locale.setDefault(spark._jvm.java.util.Locale.forLanguageTag("tr-TR"))
