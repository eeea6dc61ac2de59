"""Every reading endpoint, and how addresses of it are made from what an index has."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint; `template` names the parameters in braces."""

    template: str
    is_month: bool = False

    def addresses(self, known: dict[str, list[str]]) -> list[str]:
        """Addresses with the parameters filled in, different ones as far as there are."""
        names = [name for name in known if "{" + name + "}" in self.template]
        if not names:
            return [self.template]
        return [self.template.replace("{" + names[0] + "}", value) for value in known[names[0]]]


_READ = (
    "/v1/status", "/v1/assets", "/v1/assets/{asset_id}", "/v1/assets/{asset_id}/contributors", "/v1/contributors",
    "/v1/contributors/{payee}", "/v1/contributors/{payee}/payments", "/v1/contributors/{payee}/claim",
    "/v1/contributors/{payee}/receipts", "/v1/contributors/{payee}/statement", "/v1/receipts/{digest}",
    "/v1/batches", "/v1/batches/{batch_id}", "/v1/batches/{batch_id}/receipts", "/v1/batches/{batch_id}/receipts/77",
    "/v1/batches?sort=id", "/v1/costs", "/v1/costs?operator={operator}", "/v1/assets?sort=-id",
    "/v1/contributors?sort=-earned", "/v1/operators?sort=-settled_fees", "/v1/operators", "/v1/operators/{operator}",
    "/v1/operators/{operator}/prices", "/v1/distributions", "/v1/distributions/{root_index}",
    "/v1/distributions/{root_index}/payees", "/v1/payers/{payer}", "/v1/payers/{payer}/charges",
    "/v1/payers/{charge}/receipts", "/v1/receipts?operator={operator}&lane=0&seq=100077",
)  # fmt: skip
_MONTH = "/v1/contributors/{payee}/earnings?since=2026-10-01&until=2026-10-31"
PATHS = (*(Endpoint(template) for template in _READ), Endpoint(_MONTH, is_month=True))

PROOFS = tuple(
    Endpoint(template)
    for template in (
        "/v1/receipts/{digest}/proof", "/v1/contributors/{rare_payee}/explain?distribution=1",
        "/v1/contributors/{payee}/explain?distribution=1", "/v1/contributors/{payee}/statement?format=pdf",
        "/v1/payers/{payer}/invoice?format=pdf", "/v1/payers/{payer}/invoice", "/v1/blobs/{versioned_hash}",
    )
)  # fmt: skip
