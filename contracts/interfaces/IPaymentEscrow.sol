// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Charge} from "./BatchTypes.sol";
import {IIntakePause} from "./IIntakePause.sol";

/// @notice A payer's permission to spend. All of it is cumulative: `cumulativeCap` bounds the sum of everything ever
/// collected from the payer for the operator, so a signature can be used again without harm.
/// EIP-712: SpendAuthorization(address payer,address operator,uint64 cumulativeCap,uint40 validUntil)
struct SpendAuthorization {
    address payer;
    address operator;
    uint64 cumulativeCap;
    /// Last second at which a batch may be first committed under it.
    uint40 validUntil;
}

/// @notice All there is to know about an account (payer, operator).
struct AccountView {
    uint64 balance;
    /// Sum of all charges ever collected from it, less refunds.
    uint64 collected;
    /// Bound on `collected`, and until when.
    uint64 cap;
    uint40 validUntil;
    /// Asked back; still collectable until it has left. Never more than the balance.
    uint64 thawing;
    uint40 thawEnd;
    /// A lowering under way: from `loweringAt` on, cap and validUntil are these. loweringAt is 0 if there is none.
    uint64 loweredCap;
    uint40 loweredValidUntil;
    uint40 loweringAt;
    /// Authorizations with validUntil up to this one are dead (since a lowering that is in force).
    uint40 deadValidUntil;
    /// What the operator paid in this payer's stead.
    uint64 debt;
}

/// @title Payers' money, kept apart for each operator
/// @notice Accounts are keyed by (payer, operator): no operator can be starved by what another collects. A charge
/// needs a SpendAuthorization, takes what balance, cap and expiry allow, and never fails for want of the payer's
/// money: the operator's own deposit (its account with itself) pays the rest in the same call, and the debt can be
/// collected later. No call into a payer's code is ever made on the way of a batch.
/// @dev Token: one ERC-20 with at most 9 decimals, no fee on transfer, no rebase, no callback; a deposit that does not
/// arrive whole is refused, a missing return value is tolerated.
/// Warning: an authorization is checked when it is submitted (`authorize`). A session key revoked later does not lower
/// the cap that it set; `lowerCap` does.
/// Warning: custody of open batches is this contract's token balance less all accounts; it leaves only through the
/// ledger.
interface IPaymentEscrow is IIntakePause {
    event Deposited(address indexed payer, address indexed operator, address from, uint64 amount);
    event ThawStarted(address indexed payer, address indexed operator, uint64 amount, uint40 thawEnd);
    event ThawCancelled(address indexed payer, address indexed operator);
    event Withdrawn(address indexed payer, address indexed operator, uint64 amount);
    event CapSet(address indexed payer, address indexed operator, uint64 cap, uint40 validUntil);
    event CapLoweringStarted(
        address indexed payer, address indexed operator, uint64 cap, uint40 validUntil, uint40 effectiveAt
    );
    event SessionKeyRegistered(address indexed payer, address indexed key);
    event SessionKeyRevoked(address indexed payer, address indexed key, uint40 effectiveAt);
    /// @dev `amount` was paid from the operator's own deposit and added to the payer's debt.
    event Shortfall(address indexed payer, address indexed operator, uint64 indexed batchId, uint64 amount);
    event DebtCollected(address indexed payer, address indexed operator, uint64 amount);
    /// @dev `amount` went back to the payer's account, `operatorAmount` to the operator's own.
    event Refunded(
        uint64 indexed batchId,
        address indexed payer,
        address indexed operator,
        uint64 amount,
        uint64 operatorAmount
    );
    event CustodyReleased(uint64 indexed batchId, uint64 amount);

    error EscrowNotLedger(address caller);
    error EscrowTokenDecimals(uint8 decimals, uint8 limit);
    error EscrowAddressZero();
    error EscrowAmountZero();
    error EscrowBalanceTooSmall(uint64 balance, uint64 needed);
    error EscrowNothingThawing(address payer, address operator);
    error EscrowThawing(uint40 thawEnd);
    error EscrowLengthMismatch(uint256 authorizations, uint256 signatures);
    error EscrowSignerUnknown(address payer, address signer);
    error EscrowCapNotLower(uint64 cap, uint64 currentCap);
    error EscrowCapNotHigher(uint64 cap, uint40 validUntil, uint64 currentCap, uint40 currentValidUntil);
    error EscrowValidUntilTooEarly(uint40 validUntil, uint40 currentValidUntil);
    error EscrowLoweringUnderWay(uint40 effectiveAt);
    error EscrowSessionKeyUnknown(address payer, address key);
    error EscrowPayersNotAscending(address previous, address payer);
    error EscrowOperatorDepositTooSmall(address operator, uint64 deposit, uint64 needed);
    error EscrowNothingToCollect(address payer, address operator);

    /// @notice Adds to the account (payer, operator), from the caller's tokens. The operator's own deposit is the
    /// account (operator, operator).
    /// @dev Requires that intake is open and that exactly `amount` arrives.
    function deposit(address payer, address operator, uint64 amount) external;

    /// @notice Asks back part of the caller's account; it leaves with `withdraw` after THAW_DELAY.
    /// @dev What thaws stays collectable. A further request adds to the first and restarts the delay for both.
    function thaw(address operator, uint64 amount) external;

    /// @notice Takes back the request.
    function cancelThaw(address operator) external;

    /// @notice Pays the caller what it asked back, or what is left of it.
    function withdraw(address operator) external;

    /// @notice Raises caps by signatures.
    /// @dev What stands is always one pair (cap, validUntil) that the payer signed. Anyone may better it (neither part
    /// lower); only the operator may trade one part for the other, so no payer can push out a signature that the
    /// operator holds. Others are skipped without a word, and so are those that a lowering has made dead: nobody can
    /// spoil a list by submitting a part of it first. Reverts if a signature that would count is neither the payer's
    /// nor an active session key's. ECDSA whatever code the payer has.
    function authorize(SpendAuthorization[] calldata authorizations, bytes[] calldata signatures) external;

    /// @notice Raises the caller's cap without a signature: the way of contracts that can't sign.
    /// @dev Must better what stands, or it reverts. Not bound by a lowering's dead expiry, being the payer's own call.
    function registerCap(address operator, uint64 cap, uint40 validUntil) external;

    /// @notice Lowers the caller's cap after THAW_DELAY. From then on every authorization whose validUntil is not later
    /// than this one's is dead; one with a later validUntil is the payer's newer will, and stands.
    /// @dev So the payer states a validUntil no earlier than any that it has signed; a cap of 0 ends all spending. Requires a cap not above the present one, a validUntil not before the present one, and that
    /// no lowering is under way.
    function lowerCap(address operator, uint64 cap, uint40 validUntil) external;

    /// @notice Lets `key` sign the caller's authorizations, for all operators, from now on (also again after a
    /// revocation).
    function registerSessionKey(address key) external;

    /// @notice Ends that after THAW_DELAY.
    function revokeSessionKey(address key) external;

    /// @notice Pays a payer's debt from its account to the operator's own, as far as balance, cap and expiry allow.
    /// Anyone may.
    function collectDebt(address payer, address operator) external;

    /// @notice Takes a batch's charges into custody. Ledger only.
    /// @dev Requires charges strictly ascending by payer, and an operator deposit that covers all shortfalls.
    /// @param judgedAt The time that expiries and lowerings are judged by: the batch's first commit.
    /// @return total Σ amounts, all of it now in custody.
    function collect(uint64 batchId, address operator, uint40 judgedAt, Charge[] calldata charges)
        external
        returns (uint64 total);

    /// @notice Gives one payer's part of a voided batch back: to the payer what it paid, to the operator's own deposit
    /// what it paid for the payer and has not collected since. Ledger only.
    function refund(uint64 batchId, address payer, address operator, uint64 amount) external;

    /// @notice Pays a finalised batch's custody to the distributor. Ledger only.
    function releaseCustody(uint64 batchId, uint64 amount) external;

    function token() external view returns (IERC20);

    /// @notice The only address that may collect, refund and release.
    function ledger() external view returns (address);

    /// @notice Where custody goes when a batch is finalised.
    function distributor() external view returns (address);

    /// @notice The account (payer, operator) as of this block's time.
    function account(address payer, address operator) external view returns (AccountView memory);

    /// @notice Whether `key` may sign the payer's authorizations at `time`.
    function isSessionKey(address payer, address key, uint40 time) external view returns (bool);

    /// @notice What the operator paid in this payer's stead for this batch.
    function shortfallOf(uint64 batchId, address payer) external view returns (uint64);

    /// @notice EIP-712 digest that the payer or its session key signs.
    function authorizationDigest(SpendAuthorization calldata authorization) external view returns (bytes32);
}
