"""A small typed client of the API: `TributaryClient(url)`. tests/unit/api/test_client.py keeps it in step with the paths."""

from api.client.reading import TributaryClient

__all__ = ["TributaryClient"]
