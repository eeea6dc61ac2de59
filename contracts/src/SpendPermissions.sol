// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IPaymentEscrow, SpendAuthorization} from "../interfaces/IPaymentEscrow.sol";
import {THAW_DELAY} from "./Windows.sol";

/// @notice The escrow's caps, signatures and session keys: who allowed whom to collect how much.
abstract contract SpendPermissions is IPaymentEscrow, EIP712 {
    bytes32 internal constant SPEND_AUTHORIZATION_TYPEHASH =
        keccak256("SpendAuthorization(address payer,address operator,uint64 cumulativeCap,uint40 validUntil)");

    // Flags say when a charge has to look beyond the account's own slot.
    uint24 internal constant THAWING = 1;
    /// A lowering was announced and not yet carried out.
    uint24 internal constant LOWERING = 2;
    /// A lowering was carried out: authorizations up to its validUntil are dead.
    uint24 internal constant DEAD = 4;

    /// One slot: all that a charge reads and writes.
    struct Account {
        uint64 balance;
        uint64 collected;
        uint64 cap;
        uint40 validUntil;
        uint24 flags;
    }

    /// One slot: what was announced.
    struct Notice {
        uint64 thawing;
        uint40 thawEnd;
        uint64 loweredCap;
        uint40 loweredValidUntil;
        uint40 loweringAt;
    }

    /// One slot: what the newest lowering left behind. The pair that stood until then counts for batches that were
    /// first committed before it; authorizations up to deadValidUntil count no more, so the expiry that stands is never
    /// below it, and a lowering, which covers that expiry, never moves it back.
    struct Former {
        uint64 cap;
        uint40 validUntil;
        uint40 until;
        uint40 deadValidUntil;
    }

    struct KeySpan {
        uint40 since;
        uint40 until;
    }

    mapping(address payer => mapping(address operator => Account)) internal _accounts;
    mapping(address payer => mapping(address operator => Notice)) internal _notices;
    mapping(address payer => mapping(address operator => Former)) internal _formers;
    mapping(address payer => mapping(address key => KeySpan)) private _sessionKeys;

    constructor() EIP712("Tributary", "1") {}

    /* RAISING */

    /// @inheritdoc IPaymentEscrow
    function authorize(SpendAuthorization[] calldata authorizations, bytes[] calldata signatures) external {
        require(
            authorizations.length == signatures.length,
            EscrowLengthMismatch(authorizations.length, signatures.length)
        );
        for (uint256 i = 0; i < authorizations.length; ++i) {
            _authorize(authorizations[i], signatures[i]);
        }
    }

    /// @inheritdoc IPaymentEscrow
    function registerCap(address operator, uint64 cap, uint40 validUntil) external {
        _settleLowering(msg.sender, operator);
        Account storage account_ = _accounts[msg.sender][operator];
        require(
            _betters(account_, cap, validUntil),
            EscrowCapNotHigher(cap, validUntil, account_.cap, account_.validUntil)
        );
        _setCap(msg.sender, operator, cap, validUntil);
    }

    /* LOWERING */

    /// @inheritdoc IPaymentEscrow
    function lowerCap(address operator, uint64 cap, uint40 validUntil) external {
        _settleLowering(msg.sender, operator);
        Account storage account_ = _accounts[msg.sender][operator];
        Notice storage notice = _notices[msg.sender][operator];
        require(account_.flags & LOWERING == 0, EscrowLoweringUnderWay(notice.loweringAt));
        require(cap <= account_.cap, EscrowCapNotLower(cap, account_.cap));
        require(
            validUntil >= account_.validUntil, EscrowValidUntilTooEarly(validUntil, account_.validUntil)
        );
        account_.flags |= LOWERING;
        notice.loweredCap = cap;
        notice.loweredValidUntil = validUntil;
        notice.loweringAt = uint40(block.timestamp) + THAW_DELAY;
        emit CapLoweringStarted(msg.sender, operator, cap, validUntil, notice.loweringAt);
    }

    /* SESSION KEYS */

    /// @inheritdoc IPaymentEscrow
    function registerSessionKey(address key) external {
        require(key != address(0), EscrowAddressZero());
        KeySpan storage span = _sessionKeys[msg.sender][key];
        if (span.until <= block.timestamp) span.since = uint40(block.timestamp);
        span.until = type(uint40).max;
        emit SessionKeyRegistered(msg.sender, key);
    }

    /// @inheritdoc IPaymentEscrow
    function revokeSessionKey(address key) external {
        KeySpan storage span = _sessionKeys[msg.sender][key];
        require(span.until == type(uint40).max, EscrowSessionKeyUnknown(msg.sender, key));
        span.until = uint40(block.timestamp) + THAW_DELAY;
        emit SessionKeyRevoked(msg.sender, key, span.until);
    }

    /* VIEWS */

    /// @inheritdoc IPaymentEscrow
    function isSessionKey(address payer, address key, uint40 time) public view returns (bool) {
        KeySpan memory span = _sessionKeys[payer][key];
        return span.since != 0 && span.since <= time && time < span.until;
    }

    /// @inheritdoc IPaymentEscrow
    function authorizationDigest(SpendAuthorization calldata authorization) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    SPEND_AUTHORIZATION_TYPEHASH,
                    authorization.payer,
                    authorization.operator,
                    authorization.cumulativeCap,
                    authorization.validUntil
                )
            )
        );
    }

    /* INTERNAL */

    function _authorize(SpendAuthorization calldata a, bytes calldata signature) private {
        _settleLowering(a.payer, a.operator);
        Account storage account_ = _accounts[a.payer][a.operator];
        if (account_.flags & DEAD != 0) {
            if (a.validUntil <= _formers[a.payer][a.operator].deadValidUntil) return;
        }
        bool differs = a.cumulativeCap != account_.cap || a.validUntil != account_.validUntil;
        bool trades = msg.sender == a.operator && differs;
        if (!trades && !_betters(account_, a.cumulativeCap, a.validUntil)) return;
        address signer = ECDSA.recoverCalldata(authorizationDigest(a), signature);
        require(
            signer == a.payer || isSessionKey(a.payer, signer, uint40(block.timestamp)),
            EscrowSignerUnknown(a.payer, signer)
        );
        _setCap(a.payer, a.operator, a.cumulativeCap, a.validUntil);
    }

    function _betters(Account storage account_, uint64 cap, uint40 validUntil) private view returns (bool) {
        return cap >= account_.cap && validUntil >= account_.validUntil
            && (cap > account_.cap || validUntil > account_.validUntil);
    }

    function _setCap(address payer, address operator, uint64 cap, uint40 validUntil) private {
        Account storage account_ = _accounts[payer][operator];
        account_.cap = cap;
        account_.validUntil = validUntil;
        emit CapSet(payer, operator, cap, validUntil);
    }

    /// @dev Carries out a lowering whose time has come. The pair that stands survives it only if it is newer.
    function _settleLowering(address payer, address operator) internal {
        Account storage account_ = _accounts[payer][operator];
        if (account_.flags & LOWERING == 0) return;
        Notice storage notice = _notices[payer][operator];
        if (block.timestamp < notice.loweringAt) return;
        Former storage former = _formers[payer][operator];
        account_.flags = (account_.flags & ~LOWERING) | DEAD;
        former.deadValidUntil = notice.loweredValidUntil;
        if (account_.validUntil > notice.loweredValidUntil) return;
        former.cap = account_.cap;
        former.validUntil = account_.validUntil;
        former.until = notice.loweringAt;
        _setCap(payer, operator, notice.loweredCap, notice.loweredValidUntil);
    }

    /// @dev What caps and expiries judged at `judgedAt` leave to collect. Past times come from refills only.
    function _spendable(address payer, address operator, Account memory account_, uint40 judgedAt)
        internal
        view
        returns (uint64 left)
    {
        left = _left(account_.cap, account_.validUntil, account_.collected, judgedAt);
        if (account_.flags & DEAD == 0 || judgedAt == block.timestamp) return left;
        Former memory former = _formers[payer][operator];
        if (judgedAt >= former.until) return left;
        uint64 before = _left(former.cap, former.validUntil, account_.collected, judgedAt);
        if (before > left) left = before;
    }

    function _left(uint64 cap, uint40 validUntil, uint64 collected, uint40 judgedAt)
        private
        pure
        returns (uint64)
    {
        return judgedAt <= validUntil && cap > collected ? cap - collected : 0;
    }
}
