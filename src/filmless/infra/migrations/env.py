"""Alembic's entry: runs the steps on the connection that `migrate` opened, in its transaction."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    target_metadata=context.config.attributes.get("target_metadata"),
)
context.run_migrations()
