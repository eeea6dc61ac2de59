"""Made-up addresses of one deployment on the L2."""

from ledger.chain.deployment import L2Deployment

TOKEN, REGISTRY, OPERATORS, ESCROW, LEDGER, DISTRIBUTOR = (bytes([n]) * 20 for n in range(1, 7))
FORMAT_CHALLENGES, RECEIPT_CHALLENGES = bytes([7]) * 20, bytes([8]) * 20
L2 = L2Deployment(
    901, 1, TOKEN, REGISTRY, OPERATORS, ESCROW, LEDGER, DISTRIBUTOR, FORMAT_CHALLENGES, RECEIPT_CHALLENGES
)
OURS = frozenset({REGISTRY, OPERATORS, ESCROW, LEDGER, DISTRIBUTOR})
CONTRACTS = {
    REGISTRY: "AttributionRegistry",
    OPERATORS: "Operators",
    ESCROW: "PaymentEscrow",
    LEDGER: "ReceiptLedger",
    DISTRIBUTOR: "RoyaltyDistributor",
    TOKEN: "TestToken",
}
