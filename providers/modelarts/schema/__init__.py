"""What ModelArts accepts: the constraints of the vendor's pages, each with its source.

Two generations of one API with different rules for nearly everything (units, names, storage, what can change), so the
two types share no validator: `instances` is the customer's page (demanager), `notebooks` today's API.

Sources are page numbers of the vendor's API reference (`modelarts_03_0110` is "Creating a Development Environment
Instance") or sections of the specification, which name the pages they were read from. Both APIs spell their members in
snake_case, as we do, so a checked tree is the wire's own, but for the members that are ours (`running`, `tags`,
`marker`).
"""
