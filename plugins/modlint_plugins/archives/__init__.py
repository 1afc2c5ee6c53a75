"""Archives and streams: which bytes they hold, whatever these mean."""
