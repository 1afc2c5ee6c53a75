"""How often the matched null (CLU007) finds modules where there are none, and where there are."""
