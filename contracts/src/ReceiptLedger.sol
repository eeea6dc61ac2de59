// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {BatchHeader, BatchRecord, BatchStatus, Charge} from "../interfaces/BatchTypes.sol";
import {IAttributionRegistry} from "../interfaces/IAttributionRegistry.sol";
import {IBlobDemands} from "../interfaces/IBlobDemands.sol";
import {IChallenges} from "../interfaces/IChallenges.sol";
import {IOperators} from "../interfaces/IOperators.sol";
import {IPaymentEscrow} from "../interfaces/IPaymentEscrow.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {InferenceReceipt} from "../interfaces/InferenceReceipt.sol";
import {IRoyaltyDistributor} from "../interfaces/IRoyaltyDistributor.sol";
import {BlobAttestations} from "./BlobAttestations.sol";
import {IntakePause} from "./IntakePause.sol";
import {Lanes} from "./Lanes.sol";
import {BatchHash} from "./libraries/BatchHash.sol";
import {BatchLayout} from "./libraries/BatchLayout.sol";
import {ReceiptHash} from "./libraries/ReceiptHash.sol";
import {RefundMarks, Refunds} from "./libraries/RefundMarks.sol";
import {BLOB_MAX_AGE, CHALLENGE_WINDOW, PPM, REPOST_DEADLINE} from "./Windows.sol";

/// @dev EIP712 is the receipts' domain: InferenceReceipt is signed for this contract's address.
contract ReceiptLedger is IReceiptLedger, IntakePause, BlobAttestations, Lanes, EIP712 {
    using RefundMarks for Refunds;

    /// What the ledger is wired to, fixed at deployment.
    struct Wiring {
        IAttributionRegistry registry;
        IOperators operators;
        IPaymentEscrow escrow;
        IRoyaltyDistributor distributor;
        IChallenges formatChallenges;
        IChallenges receiptChallenges;
        IBlobDemands blobDemands;
        /// BlobInbox on L1.
        address inbox;
        /// L2 messenger, or zero where the inbox deposits through the portal.
        address messenger;
        address protocolPayee;
        uint32 protocolPpm;
        address pauser;
    }

    IAttributionRegistry public immutable registry;
    IOperators public immutable operators;
    IPaymentEscrow public immutable escrow;
    IRoyaltyDistributor public immutable distributor;
    address public immutable formatChallenges;
    address public immutable receiptChallenges;
    address public immutable blobDemands;
    address public immutable protocolPayee;
    uint32 public immutable protocolPpm;

    // In slot 0 beside the pause, so that a commit reads and writes both for the price of one.
    uint64 public batchCount;
    mapping(uint64 batchId => bytes32) public batchHash;
    mapping(uint64 batchId => Refunds) private _refunds;

    modifier onlyChallenges() {
        require(
            msg.sender == receiptChallenges || msg.sender == formatChallenges || msg.sender == blobDemands,
            LedgerNotChallenges(msg.sender)
        );
        _;
    }

    constructor(Wiring memory w)
        IntakePause(w.pauser)
        BlobAttestations(w.inbox, w.messenger)
        EIP712("Tributary", "1")
    {
        require(w.protocolPayee != address(0), LedgerAddressZero());
        _requireSame(address(this), w.operators.ledger());
        _requireSame(address(this), w.escrow.ledger());
        _requireSame(address(this), w.distributor.ledger());
        _requireSame(address(w.distributor), w.escrow.distributor());
        _requireWired(w, w.formatChallenges);
        _requireWired(w, w.receiptChallenges);
        _requireWired(w, w.blobDemands);
        _requireSame(address(w.escrow.token()), address(w.blobDemands.token()));
        _requireSame(address(w.escrow.token()), address(w.operators.token()));
        _requireSame(address(w.escrow.token()), address(w.distributor.token()));
        // The registry leaves room for exactly the protocol's part: royalty and protocol never exceed a fee.
        require(
            w.protocolPpm <= PPM && w.registry.MAX_ROYALTY_PPM() == PPM - w.protocolPpm,
            LedgerProtocolPpm(w.protocolPpm)
        );
        registry = w.registry;
        operators = w.operators;
        escrow = w.escrow;
        distributor = w.distributor;
        formatChallenges = address(w.formatChallenges);
        receiptChallenges = address(w.receiptChallenges);
        blobDemands = address(w.blobDemands);
        protocolPayee = w.protocolPayee;
        protocolPpm = w.protocolPpm;
    }

    /* A BATCH'S LIFE */

    /// @inheritdoc IReceiptLedger
    function commitBatch(
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges
    ) external returns (uint64 batchId) {
        return _commit(true, header, versionedHashes, charges);
    }

    /// @inheritdoc IReceiptLedger
    function commitUnattested(
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges,
        bytes calldata dataCommitment
    ) external returns (uint64 batchId) {
        batchId = _commit(false, header, versionedHashes, charges);
        emit BatchUnattested(batchId, dataCommitment);
    }

    /// @inheritdoc IReceiptLedger
    function finalizeBatch(uint64 batchId, BatchRecord calldata record) external {
        bytes32 recordHash = _requireRecord(batchId, record);
        require(record.status == BatchStatus.Open, LedgerBatchNotOpen(batchId, record.status));
        uint40 endsAt = record.committedAt + CHALLENGE_WINDOW;
        if (record.attestedAt == 0) {
            (uint40 postedAt, uint8 open) = IBlobDemands(blobDemands).standing(batchId, recordHash);
            require(open == 0, LedgerBlobsDemanded(batchId, open));
            if (postedAt != 0) endsAt = postedAt + CHALLENGE_WINDOW;
        }
        require(block.timestamp > endsAt, LedgerWindowOpen(batchId, endsAt));
        delete batchHash[batchId];
        emit BatchFinalized(batchId, record.totalFee);
        operators.release(record.operator, batchId, record.reserve);
        escrow.releaseCustody(batchId, record.totalFee);
        distributor.fund(batchId, record.totalFee);
    }

    /* A BATCH THAT WAS FALSE */

    /// @inheritdoc IReceiptLedger
    function voidBatch(
        uint64 batchId,
        BatchRecord calldata record,
        uint24 payerCount,
        address challenger,
        bytes32 fault
    ) external onlyChallenges {
        _requireRecord(batchId, record);
        require(record.status == BatchStatus.Open, LedgerBatchNotOpen(batchId, record.status));
        batchHash[batchId] = BatchHash.ofVoided(record);
        _refunds[batchId].open(payerCount);
        emit BatchVoided(batchId, challenger, fault);
        operators.slash(record.operator, batchId, record.reserve, challenger);
    }

    /// @inheritdoc IReceiptLedger
    function refund(
        uint64 batchId,
        BatchRecord calldata record,
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges,
        uint256[] calldata payers
    ) external {
        _requireVoided(batchId, record);
        bytes32 given = BatchHash.ofContents(header, versionedHashes, charges);
        require(given == record.batchCommitment, LedgerCommitmentMismatch(record.batchCommitment, given));
        Refunds storage refunds = _refunds[batchId];
        for (uint256 i = 0; i < payers.length; ++i) {
            require(payers[i] < charges.length, LedgerNoSuchPayer(payers[i], charges.length));
            if (!refunds.mark(payers[i])) continue;
            _refund(batchId, record.operator, charges[payers[i]]);
        }
    }

    /// @inheritdoc IReceiptLedger
    function recommitBatch(
        uint64 batchId,
        BatchRecord calldata record,
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges
    ) external {
        _requireVoided(batchId, record);
        _requireRefillable(batchId, record.firstCommittedAt);
        require(msg.sender == record.operator, LedgerNotOperator(msg.sender, record.operator));
        require(
            header.operator == record.operator && header.lane == record.lane && header.firstSeq == record.firstSeq
                && header.count == record.count,
            LedgerNotTheHole(batchId, record.firstSeq, record.count)
        );
        BatchRecord memory fresh = record;
        _fill(batchId, fresh, header, versionedHashes, charges, true);
        emit BatchRefilled(
            batchId,
            msg.sender,
            header.lane,
            fresh.batchCommitment,
            fresh.reserve,
            fresh.committedAt,
            fresh.termsFrom,
            fresh.attestedAt,
            header,
            versionedHashes,
            charges
        );
    }

    /// @inheritdoc IReceiptLedger
    function penalizeUnposted(address operator, uint64 amount, address challenger)
        external
        returns (uint64 taken)
    {
        require(msg.sender == receiptChallenges, LedgerNotChallenges(msg.sender));
        return operators.penalize(operator, amount, challenger);
    }

    /* VIEWS */

    /// @inheritdoc IReceiptLedger
    function voiding(uint64 batchId) external view returns (uint40 voidedAt, uint16 outstanding) {
        return (_refunds[batchId].voidedAt, _refunds[batchId].outstanding);
    }

    /// @inheritdoc IReceiptLedger
    function batchStatus(uint64 batchId, BatchRecord calldata record) external view returns (BatchStatus) {
        if (batchId == 0 || batchId > batchCount) return BatchStatus.None;
        if (batchHash[batchId] == 0) return BatchStatus.Finalized;
        _requireRecord(batchId, record);
        return record.status;
    }

    /// @inheritdoc IReceiptLedger
    function receiptDigest(InferenceReceipt calldata receipt) external view returns (bytes32) {
        return _hashTypedDataV4(ReceiptHash.structHash(receipt));
    }

    /* INTERNAL */

    function _commit(
        bool attested,
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges
    ) private whenIntakeOpen returns (uint64 batchId) {
        require(msg.sender == header.operator, LedgerNotOperator(msg.sender, header.operator));
        _advance(msg.sender, header.lane, header.firstSeq, header.count);
        batchId = ++batchCount;
        BatchRecord memory record;
        record.operator = msg.sender;
        record.lane = header.lane;
        record.firstSeq = header.firstSeq;
        record.count = header.count;
        record.firstCommittedAt = uint40(block.timestamp);
        record.termsFrom = _postDeadlineAgo();
        _fill(batchId, record, header, versionedHashes, charges, attested);
        emit BatchCommitted(
            batchId,
            msg.sender,
            header.lane,
            record.batchCommitment,
            record.reserve,
            record.committedAt,
            record.termsFrom,
            record.attestedAt,
            header,
            versionedHashes,
            charges
        );
    }

    /// @dev Takes the money and the bond for a batch and remembers it; the same for a first commit and a refill. The
    /// record comes with what is fixed at the first commit, and the rest is written into it.
    function _fill(
        uint64 batchId,
        BatchRecord memory record,
        BatchHeader calldata header,
        bytes32[] calldata versionedHashes,
        Charge[] calldata charges,
        bool attested
    ) private {
        BatchLayout.check(header, versionedHashes, charges.length);
        record.attestedAt = attested ? _requireAttested(versionedHashes) : 0;
        uint64 total = escrow.collect(batchId, record.operator, record.firstCommittedAt, charges);
        require(header.totalFee == total, LedgerTotalFee(header.totalFee, total));
        record.status = BatchStatus.Open;
        record.totalFee = total;
        record.reserve = operators.reserve(record.operator, batchId, total);
        record.committedAt = uint40(block.timestamp);
        record.batchCommitment = keccak256(abi.encode(header, versionedHashes, charges));
        batchHash[batchId] = keccak256(abi.encode(record));
    }

    function _refund(uint64 batchId, address operator, Charge calldata charge) private {
        escrow.refund(batchId, charge.payer, operator, charge.amount);
    }

    function _requireWired(Wiring memory w, IChallenges challenges) private view {
        _requireSame(address(this), address(challenges.ledger()));
        _requireSame(address(w.registry), address(challenges.registry()));
        _requireSame(address(w.operators), address(challenges.operators()));
    }

    function _requireSame(address expected, address found) private pure {
        require(expected == found, LedgerWiring(expected, found));
    }

    function _requireAttested(bytes32[] calldata versionedHashes) private view returns (uint40 l1Time) {
        bytes32 postHash = keccak256(abi.encodePacked(versionedHashes));
        l1Time = attestedAt[postHash];
        require(l1Time != 0, LedgerBlobsNotAttested(postHash));
        require(block.timestamp <= l1Time + BLOB_MAX_AGE, LedgerBlobsTooOld(postHash, l1Time));
    }

    function _requireVoided(uint64 batchId, BatchRecord calldata record) private view {
        _requireRecord(batchId, record);
        require(record.status == BatchStatus.Voided, LedgerBatchNotVoided(batchId, record.status));
    }

    /// @dev All refunds first, so that custody holds one filling of a batch, and payers are charged from their own
    /// money. A second later at least, so that a voiding's time names it.
    function _requireRefillable(uint64 batchId, uint40 firstCommittedAt) private view {
        Refunds storage refunds = _refunds[batchId];
        uint40 from = refunds.voidedAt + 1;
        uint40 until = refunds.voidedAt + REPOST_DEADLINE;
        uint40 latest = firstCommittedAt + CHALLENGE_WINDOW + REPOST_DEADLINE;
        if (latest < until) until = latest;
        require(
            block.timestamp >= from && block.timestamp <= until, LedgerRefillTime(batchId, from, until)
        );
        require(refunds.outstanding == 0, LedgerRefundsOutstanding(batchId, refunds.outstanding));
    }

    function _requireRecord(uint64 batchId, BatchRecord calldata record)
        private
        view
        returns (bytes32 stored)
    {
        stored = batchHash[batchId];
        require(stored != 0, LedgerNoSuchBatch(batchId));
        bytes32 given = BatchHash.ofRecord(record);
        require(stored == given, LedgerRecordMismatch(batchId, stored, given));
    }
}
