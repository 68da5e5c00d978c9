"""The resource types of SageMaker: create, read, update, delete, find, list.

What is allowed and what a change means is in `schema`, the wire in `client`; here is the order of the calls, and what
to conclude from their answers. Four cautions run through it (specification sections 3, 4, 5.3, 6.3, 7.3):

* No create has an idempotency token. A name is looked up before it is sent, so that what is there after a lost answer
  is what was sent.
* Everything that has a status is waited for, and what ends as Failed is recorded as tainted: the next plan replaces it.
* What the service fills in, and tags that the program does not give, are the service's business: never a difference.
* An app that the service has ended is still described for a day, with the status Deleted. It counts as gone.

`calls` has what all types share, `statuses` the waiting, then a module for each group of types; `pulumi_aws` serves the
same types under the tokens of Pulumi's AWS classes, and `iam` the few of IAM they need.
"""
