"""Made-up addresses of one deployment on the L2."""

from ledger.chain.deployment import L2Deployment

TOKEN, REGISTRY, OPERATORS, ESCROW, LEDGER, DISTRIBUTOR = (bytes([n]) * 20 for n in range(1, 7))
FORMAT_CHALLENGES, RECEIPT_CHALLENGES, DEMANDS = (bytes([n]) * 20 for n in range(7, 10))
L2 = L2Deployment(
    901, 1, TOKEN, REGISTRY, OPERATORS, ESCROW, LEDGER, DISTRIBUTOR, FORMAT_CHALLENGES, RECEIPT_CHALLENGES, DEMANDS
)
OURS = frozenset({REGISTRY, OPERATORS, ESCROW, LEDGER, DISTRIBUTOR, DEMANDS})
CONTRACTS = {
    REGISTRY: "AttributionRegistry",
    OPERATORS: "Operators",
    ESCROW: "PaymentEscrow",
    LEDGER: "ReceiptLedger",
    DISTRIBUTOR: "RoyaltyDistributor",
    DEMANDS: "BlobDemands",
    TOKEN: "TestToken",
}
