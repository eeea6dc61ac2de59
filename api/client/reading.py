"""One method for each path of the API that answers JSON, with the API's own models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import BaseModel
from pydantic_core import from_json

from api.schemas.assets import Asset, AssetLine, ListedContributor
from api.schemas.batches import Batch, BatchLine, Receipt, ReceiptAnswer
from api.schemas.contributors import ClaimProof, Contributor, ContributorLine, Earnings, Payments
from api.schemas.costs import Costs
from api.schemas.distributions import Distribution, DistributionPayees, Distributions
from api.schemas.figures import Page
from api.schemas.operators import Operator, OperatorLine, PublishedPrice
from api.schemas.payers import ChargeLine, Payer
from api.schemas.receipts import Receipts
from api.schemas.statements import Invoice, Statement
from api.schemas.status import Status
from api.schemas.unlicensed import UnlicensedUse
from ledger.errors import MalformedInputError, NotFoundError, TributaryError, UpstreamUnavailableError
from ledger.protocol.explain.document import PayoutFile, ReceiptFile

Answer = TypeVar("Answer", bound=BaseModel)
Method = TypeVar("Method", bound=Callable[..., Any])
Day = dt.date | None

PATHS: Final[dict[str, str]] = {}
"""The method that reads each path."""


def _reads(path: str) -> Callable[[Method], Method]:
    def note(method: Method) -> Method:
        PATHS[path] = method.__name__
        return method

    return note


class TributaryClient:
    """A reader of one API. Addresses and hashes are 0x text; amounts in answers are decimal strings.

    Every method raises NotFoundError where nothing is, MalformedInputError for a wrong argument, and
    UpstreamUnavailableError when the API can't answer now; each says what the API said.
    """

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None, timeout_seconds: float = 30) -> None:
        self._http = httpx.Client(base_url=url, transport=transport, timeout=timeout_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @_reads("/v1/status")
    def status(self) -> Status:
        return self._get(Status, "/v1/status")

    @_reads("/v1/assets")
    def assets(self, **filters: str | int) -> Page[AssetLine]:
        """Filters: kind, owner, content_hash, sort, cursor, limit."""
        return self._get(Page[AssetLine], "/v1/assets", **filters)

    @_reads("/v1/assets/{asset_id}")
    def asset(self, asset_id: int) -> Asset:
        return self._get(Asset, f"/v1/assets/{asset_id}")

    @_reads("/v1/assets/{asset_id}/contributors")
    def asset_contributors(self, asset_id: int, **page: str | int) -> Page[ListedContributor]:
        return self._get(Page[ListedContributor], f"/v1/assets/{asset_id}/contributors", **page)

    @_reads("/v1/assets/{asset_id}/unlicensed-uses")
    def unlicensed_uses(self, asset_id: int, **page: str | int) -> Page[UnlicensedUse]:
        return self._get(Page[UnlicensedUse], f"/v1/assets/{asset_id}/unlicensed-uses", **page)

    @_reads("/v1/contributors")
    def contributors(self, **page: str | int) -> Page[ContributorLine]:
        return self._get(Page[ContributorLine], "/v1/contributors", **page)

    @_reads("/v1/contributors/{payee}")
    def contributor(self, payee: str) -> Contributor:
        return self._get(Contributor, f"/v1/contributors/{payee}")

    @_reads("/v1/contributors/{payee}/earnings")
    def earnings(self, payee: str, since: Day = None, until: Day = None) -> Earnings:
        return self._get(Earnings, f"/v1/contributors/{payee}/earnings", since=since, until=until)

    @_reads("/v1/contributors/{payee}/payments")
    def payments(self, payee: str, **page: str | int) -> Payments:
        return self._get(Payments, f"/v1/contributors/{payee}/payments", **page)

    @_reads("/v1/contributors/{payee}/claim")
    def claim(self, payee: str, root_index: int | None = None) -> ClaimProof:
        return self._get(ClaimProof, f"/v1/contributors/{payee}/claim", root_index=root_index)

    @_reads("/v1/contributors/{payee}/receipts")
    def contributor_receipts(self, payee: str, **page: str | int) -> Page[Receipt]:
        return self._get(Page[Receipt], f"/v1/contributors/{payee}/receipts", **page)

    @_reads("/v1/contributors/{payee}/statement")
    def statement(self, payee: str, since: Day = None, until: Day = None) -> Statement:
        return self._get(Statement, f"/v1/contributors/{payee}/statement", since=since, until=until)

    @_reads("/v1/contributors/{payee}/explain")
    def explain(self, payee: str, distribution: int) -> PayoutFile:
        """The file as parts; take `raw` to keep it for `tributary verify`."""
        return self._get(PayoutFile, f"/v1/contributors/{payee}/explain", distribution=distribution)

    @_reads("/v1/receipts")
    def receipt_of_lane(self, operator: str, lane: int, seq: int) -> ReceiptAnswer:
        return self._get(ReceiptAnswer, "/v1/receipts", operator=operator, lane=lane, seq=seq)

    @_reads("/v1/receipts/{digest}")
    def receipt(self, digest: str) -> Receipts:
        return self._get(Receipts, f"/v1/receipts/{digest}")

    @_reads("/v1/receipts/{digest}/proof")
    def receipt_proof(self, digest: str) -> ReceiptFile:
        return self._get(ReceiptFile, f"/v1/receipts/{digest}/proof")

    @_reads("/v1/batches")
    def batches(self, **filters: str | int) -> Page[BatchLine]:
        """Filters: operator, lane, status, verdict, sort, cursor, limit."""
        return self._get(Page[BatchLine], "/v1/batches", **filters)

    @_reads("/v1/batches/{batch_id}")
    def batch(self, batch_id: int) -> Batch:
        return self._get(Batch, f"/v1/batches/{batch_id}")

    @_reads("/v1/batches/{batch_id}/receipts")
    def batch_receipts(self, batch_id: int, **page: str | int) -> Page[Receipt]:
        return self._get(Page[Receipt], f"/v1/batches/{batch_id}/receipts", **page)

    @_reads("/v1/batches/{batch_id}/receipts/{position}")
    def batch_receipt(self, batch_id: int, position: int, fill: int | None = None) -> ReceiptAnswer:
        return self._get(ReceiptAnswer, f"/v1/batches/{batch_id}/receipts/{position}", fill=fill)

    @_reads("/v1/costs")
    def costs(self, operator: str | None = None) -> Costs:
        return self._get(Costs, "/v1/costs", operator=operator)

    @_reads("/v1/operators")
    def operators(self, **page: str | int) -> Page[OperatorLine]:
        return self._get(Page[OperatorLine], "/v1/operators", **page)

    @_reads("/v1/operators/{operator}")
    def operator(self, operator: str) -> Operator:
        return self._get(Operator, f"/v1/operators/{operator}")

    @_reads("/v1/operators/{operator}/prices")
    def operator_prices(self, operator: str, **page: str | int) -> Page[PublishedPrice]:
        return self._get(Page[PublishedPrice], f"/v1/operators/{operator}/prices", **page)

    @_reads("/v1/distributions")
    def distributions(self, **page: str | int) -> Distributions:
        return self._get(Distributions, "/v1/distributions", **page)

    @_reads("/v1/distributions/{root_index}")
    def distribution(self, root_index: int) -> Distribution:
        return self._get(Distribution, f"/v1/distributions/{root_index}")

    @_reads("/v1/distributions/{root_index}/payees")
    def distribution_payees(self, root_index: int, **page: str | int) -> DistributionPayees:
        return self._get(DistributionPayees, f"/v1/distributions/{root_index}/payees", **page)

    @_reads("/v1/payers/{payer}")
    def payer(self, payer: str) -> Payer:
        return self._get(Payer, f"/v1/payers/{payer}")

    @_reads("/v1/payers/{payer}/charges")
    def charges(self, payer: str, **page: str | int) -> Page[ChargeLine]:
        return self._get(Page[ChargeLine], f"/v1/payers/{payer}/charges", **page)

    @_reads("/v1/payers/{payer}/charges/{batch_id}/receipts")
    def charge_receipts(self, payer: str, batch_id: int, **page: str | int) -> Page[Receipt]:
        return self._get(Page[Receipt], f"/v1/payers/{payer}/charges/{batch_id}/receipts", **page)

    @_reads("/v1/payers/{payer}/invoice")
    def invoice(self, payer: str, since: Day = None, until: Day = None) -> Invoice:
        return self._get(Invoice, f"/v1/payers/{payer}/invoice", since=since, until=until)

    def raw(self, path: str, **parameters: Any) -> bytes:
        """The bytes of any path: a distribution file, an explain file, a blob, a PDF."""
        return self._answer(path, parameters).content

    def every(self, method: Callable[..., Any], *words: Any, **filters: Any) -> Iterator[Any]:
        """All items of a paged method, page after page: `client.every(client.batches, status="open")`."""
        cursor: dict[str, str] = {}
        while True:
            page = method(*words, **filters, **cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = {"cursor": page.next_cursor}

    def _get(self, model: type[Answer], path: str, **parameters: Any) -> Answer:
        return model.model_validate_json(self._answer(path, parameters).content)

    def _answer(self, path: str, parameters: dict[str, Any]) -> httpx.Response:
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            answer = self._http.get(path, params=given)
        except httpx.TransportError as error:
            raise UpstreamUnavailableError(f"The API at {self._http.base_url} does not answer: {error}.") from error
        if answer.is_success:
            return answer
        raise _refusal(answer)


def _refusal(answer: httpx.Response) -> TributaryError:
    try:
        detail = str(from_json(answer.content)["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"The API answered {answer.status_code}."
    kinds: dict[int, type[TributaryError]] = {404: NotFoundError, 422: MalformedInputError}
    return kinds.get(answer.status_code, UpstreamUnavailableError)(detail)
