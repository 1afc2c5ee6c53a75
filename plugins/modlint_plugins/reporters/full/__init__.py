"""`full`: the report for people, drawn with rich, which is imported when it is written."""
