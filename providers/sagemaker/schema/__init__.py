"""What SageMaker accepts: botocore's limits, the specification's rules, in two spellings.

`structures` makes the schema models; `notebooks`, `studio`, `settings`, `configs` and `iam` hold what botocore's model
does not say; `names` and `pulumi` are the two spellings.
"""
