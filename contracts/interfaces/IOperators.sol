// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IIntakePause} from "./IIntakePause.sol";

/// @notice An operator's stake, in one slot. Free to back new batches: amount − reserved − withdrawing.
struct Bond {
    uint64 amount;
    /// Held by open batches.
    uint64 reserved;
    /// Asked back; still slashable until it has left.
    uint64 withdrawing;
    uint40 availableAt;
}

/// @notice A published price, in base units of the token per 1000 units.
struct Price {
    uint64 inputPrice;
    uint64 outputPrice;
    /// 0 if none was in force: such an asset costs nothing.
    uint40 effectiveAt;
}

/// @notice Times between which a signing key counts.
struct KeyActivity {
    /// 0 if the key was never added.
    uint40 addedAt;
    /// 0 while it has not been revoked.
    uint40 revokedAt;
}

/// @title Those who serve: their bonds, signing keys and prices
/// @notice Each open batch holds its own part of the operator's bond, so no two batches are covered by the same money.
/// A receipt counts against a batch if its key was active at any time in the KEY_TESTIMONY before the batch's first
/// commit: the receipt's own times play no part, since whoever holds the key writes them.
/// @dev Warning: a key stays able to make claims on batches of its lane for KEY_TESTIMONY after it is revoked. Who lost
/// a key revokes it and goes on in another lane.
/// Warning: prices are what the operator says. Nothing makes it serve at them except that a receipt above them is a
/// fault.
interface IOperators is IIntakePause {
    event BondDeposited(address indexed operator, address indexed from, uint64 amount);
    event BondWithdrawalRequested(address indexed operator, uint64 amount, uint40 availableAt);
    event BondWithdrawalCancelled(address indexed operator);
    event BondWithdrawn(address indexed operator, uint64 amount);
    event BondReserved(address indexed operator, uint64 indexed batchId, uint64 amount);
    event BondReleased(address indexed operator, uint64 indexed batchId, uint64 amount);
    /// @dev batchId is 0 for a penalty that no batch stands for.
    event BondSlashed(
        address indexed operator, uint64 indexed batchId, address challenger, uint64 reward, uint64 burned
    );
    event KeyAdded(address indexed operator, uint16 indexed lane, address indexed key, uint40 addedAt);
    event KeyRevoked(address indexed operator, uint16 indexed lane, address indexed key, uint40 revokedAt);
    event PricePublished(
        address indexed operator,
        uint32 indexed assetId,
        uint64 inputPrice,
        uint64 outputPrice,
        uint40 effectiveAt
    );

    error OperatorsNotLedger(address caller);
    error OperatorsAddressZero();
    error OperatorsAmountZero();
    error OperatorsBondTooSmall(address operator, uint64 free, uint64 needed);
    error OperatorsNothingToWithdraw(address operator);
    error OperatorsWithdrawalTooEarly(uint40 availableAt);
    /// @dev Cancel the request and ask anew.
    error OperatorsWithdrawalLapsed(uint40 until);
    error OperatorsKeyZero();
    error OperatorsKeyUsedBefore(uint16 lane, address key);
    error OperatorsKeyNotActive(uint16 lane, address key);

    /// @notice Adds to an operator's bond. Anyone may; the money is then the operator's.
    /// @dev Requires that intake is open and that exactly `amount` arrives.
    function depositBond(address operator, uint64 amount) external;

    /// @notice Asks back part of the caller's bond; it backs no new batch from now on.
    /// @dev A further request adds to the first and restarts the delay for both. Requires that so much is free.
    function requestWithdrawal(uint64 amount) external;

    /// @notice Takes back the caller's request; the bond is free again.
    function cancelWithdrawal() external;

    /// @notice Pays out what was asked back, less what was slashed meanwhile, after BOND_WITHDRAWAL_DELAY and within
    /// BOND_WITHDRAWAL_SPAN: a request that is kept in hand lapses.
    function withdrawBond() external;

    /// @notice Lets `key` sign receipts of the caller's lane from now on.
    /// @dev Requires that this key was never added to this lane before: a key has one span of activity.
    function addKey(uint16 lane, address key) external;

    /// @notice Ends a key's activity now.
    function revokeKey(uint16 lane, address key) external;

    /// @notice Publishes the caller's price for an asset, per 1000 units.
    /// @dev The first is in force at once; one that rises in either part after PRICE_RISE_NOTICE; any other after
    /// PRICE_FALL_NOTICE, but not before the newest published one. So effective times never fall, and the newest one
    /// published with effectiveAt ≤ t is in force at t.
    function setPrice(uint32 assetId, uint64 inputPrice, uint64 outputPrice) external;

    /// @notice Holds part of the bond for a batch. Ledger only. Requires that so much is free.
    /// @return held minReserve + ⌈totalFee × reservePpm / 1e6⌉.
    function reserve(address operator, uint64 batchId, uint64 totalFee) external returns (uint64 held);

    /// @notice Sets a batch's part of the bond free. Ledger only.
    function release(address operator, uint64 batchId, uint64 held) external;

    /// @notice Takes a batch's part of the bond: SLASH_REWARD_PPM of it to the challenger, the rest burned. Ledger only.
    function slash(address operator, uint64 batchId, uint64 held, address challenger) external;

    /// @notice Takes up to `amount` of the bond that no batch holds, in the same way. Ledger only.
    /// @return taken What was there to take.
    function penalize(address operator, uint64 amount, address challenger) external returns (uint64 taken);

    function bond(address operator) external view returns (Bond memory);

    function token() external view returns (IERC20);

    /// @notice The only address that may reserve, release, slash and penalize.
    function ledger() external view returns (address);

    /// @notice What the operator can back new batches with.
    function freeBond(address operator) external view returns (uint64);

    /// @notice What `reserve` would hold for a batch of this total.
    function reserveFor(uint64 totalFee) external view returns (uint64);

    function keyActivity(address operator, uint16 lane, address key) external view returns (KeyActivity memory);

    /// @notice Whether the key was active at any time in [from, to], both included.
    function keyActiveIn(address operator, uint16 lane, address key, uint40 from, uint40 to)
        external
        view
        returns (bool);

    /// @notice The price in force at `time`, all zero if there was none.
    function priceAt(address operator, uint32 assetId, uint40 time) external view returns (Price memory);
}
