"""Accounts and AI workspaces of Data Forest: create, read, update, delete, find, list.

What is allowed and what a change means is in `schema`, the wire in `client`; here is the order of the calls, and what
to conclude from their answers. Three cautions run through it (specification sections 4.3, 5 and 7):

* `create` has no idempotency token. After an uncertain answer the object is looked up by its name, and only when it is
  not there is it created again.
* An operation that the service no longer has answers like an object that is gone. So "gone" is believed only when
  another operation of the same group still works; otherwise the record is kept and an error says so.
* Answers may lack any field but the ID, and lists and objects may stand in for each other.
"""
