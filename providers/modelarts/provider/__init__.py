"""Development environment instances and notebooks: create, read, update, delete, find, list.

What is allowed and what a change means is in `schema`, the wire in `client`; here is the order of the calls, and what
to conclude from their answers. `instances` and `notebooks` have a file each, because the two generations of the API
differ in nearly everything; what they share is `power` (starting, stopping, waiting) and `calls`. Beside them are the
nouns they are made of: `…_answers` (what is seen), `notebook_requests` (what is sent), `notebook_change` (one update).

Four cautions run through it (specification 4, 6.3 and 8):

* Every change of status takes time and can end in failure, and what failed still exists: it is recorded, as tainted
  where only a replacement helps.
* There is no idempotency token. An instance is found again by its name, a notebook by the mark in its description.
* Power is a property only where the program says so. What a program leaves alone may stop by itself, and stays stopped.
* The pages contradict each other on what can change in which status. The kinder reading is tried first, and when the
  service refuses it with a code that speaks of the status, the other one.
"""
