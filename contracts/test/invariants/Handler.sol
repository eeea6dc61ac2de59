// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {BatchHeader, BatchRecord, BatchStatus, Charge} from "../../interfaces/BatchTypes.sol";
import {AccountView, SpendAuthorization} from "../../interfaces/IPaymentEscrow.sol";
import {Bond} from "../../interfaces/IOperators.sol";
import {Claim, Distribution} from "../../interfaces/IRoyaltyDistributor.sol";
import {World} from "../World.sol";

/// @notice Random moves of payers, one operator, attesters and payees. Each move keeps to what the contracts allow, so
/// that none may revert; what it did is noted, so that the invariants can be checked against an account of their own.
contract Handler is World {
    uint256 public constant PAYERS = 3;
    uint256 public constant PAYEES = 3;

    struct OpenBatch {
        uint64 id;
        BatchRecord record;
    }

    /// A batch that was voided, with what its commit said.
    struct Hole {
        uint64 id;
        BatchRecord record;
        uint40 voidedAt;
    }

    struct TreeOfRoot {
        uint64 index;
        uint256[PAYEES] cumulative;
        bool disabled;
    }

    // The handler's own books.
    uint256 public minted;
    uint256 public stray;
    uint256 public funded;
    uint256 public bondsIn;
    uint256 public bondsOut;
    mapping(address payer => uint256) public depositedBy;
    mapping(address payer => uint256) public withdrawnBy;
    mapping(address payer => uint256) public bestCapOf;
    mapping(address payer => uint256) public owedBy;
    uint256 public debtsCollected;
    uint256 public shortfallsPaid;
    uint256 public rewards;
    uint256 public burned;
    uint256 public shortfallsReturned;
    OpenBatch[] internal _open;
    Hole[] internal _holes;
    mapping(uint64 batchId => BatchHeader) internal _headers;
    mapping(uint64 batchId => bytes32[]) internal _hashes;
    mapping(uint64 batchId => Charge[]) internal _chargesOf;
    mapping(uint64 batchId => mapping(uint256 p => bool)) internal _refunded;
    TreeOfRoot[] internal _trees;
    uint64[] public finalized;
    mapping(bytes32 move => uint256) public made;
    uint256 private draws;

    constructor() {
        World.setUp();
    }

    function setUp() public pure override {}

    /* ACTORS */

    function payerKey(uint256 index) public pure returns (uint256) {
        return 0xB0B + index % PAYERS;
    }

    function payerAt(uint256 index) public pure returns (address) {
        return vm.addr(payerKey(index));
    }

    function payeeAt(uint256 index) public pure returns (address) {
        return address(uint160(0x7A1EE0 + index % PAYEES));
    }

    function theOperator() external view returns (address) {
        return operator;
    }

    function contracts() external view returns (address, address, address, address, address) {
        return (address(token), address(operators), address(escrow), address(distributor), address(ledger));
    }

    function openBatches() external view returns (OpenBatch[] memory) {
        return _open;
    }

    function finalizedCount() external view returns (uint256) {
        return finalized.length;
    }

    /* PAYERS */

    function depositFor(uint256 who, uint32 amount) external {
        if (amount == 0) return;
        address p = who % (PAYERS + 1) == PAYERS ? operator : payerAt(who);
        deposit(p, amount);
        minted += amount;
        depositedBy[p] += amount;
        ++made["deposit"];
    }

    function thaw(uint256 who, uint64 amount) external {
        address p = who % (PAYERS + 1) == PAYERS ? operator : payerAt(who);
        AccountView memory a = escrow.account(p, operator);
        uint64 free = a.balance - a.thawing;
        if (free == 0) return;
        vm.prank(p);
        escrow.thaw(operator, 1 + amount % free);
        ++made["thaw"];
    }

    function cancelThaw(uint256 who) external {
        address p = payerAt(who);
        if (escrow.account(p, operator).thawing == 0) return;
        vm.prank(p);
        escrow.cancelThaw(operator);
        ++made["cancelThaw"];
    }

    function withdraw(uint256 who) external {
        address p = who % (PAYERS + 1) == PAYERS ? operator : payerAt(who);
        AccountView memory a = escrow.account(p, operator);
        if (a.thawing == 0 || clock() < a.thawEnd) return;
        vm.prank(p);
        escrow.withdraw(operator);
        withdrawnBy[p] += a.thawing;
        ++made["withdraw"];
    }

    function authorize(uint256 who, uint32 cap, uint32 validFor, uint32 sender) external {
        address p = payerAt(who);
        uint40 validUntil = clock() + validFor % 40 days;
        (SpendAuthorization[] memory list, bytes[] memory signatures) =
            signedAuthorization(payerKey(who), p, cap, validUntil);
        if (sender % 2 == 0) vm.prank(operator);
        escrow.authorize(list, signatures);
        if (cap > bestCapOf[p]) bestCapOf[p] = cap;
        ++made["authorize"];
    }

    function lowerCap(uint256 who, uint64 cap) external {
        address p = payerAt(who);
        AccountView memory a = escrow.account(p, operator);
        if (a.loweringAt != 0) return;
        uint40 validUntil = a.validUntil > a.deadValidUntil ? a.validUntil : a.deadValidUntil;
        vm.prank(p);
        escrow.lowerCap(operator, a.cap == 0 ? 0 : cap % a.cap, validUntil);
        ++made["lowerCap"];
    }

    function collectDebt(uint256 who) external {
        address p = payerAt(who);
        AccountView memory a = escrow.account(p, operator);
        if (a.debt == 0 || a.balance == 0 || a.validUntil < clock() || a.cap <= a.collected) return;
        escrow.collectDebt(p, operator);
        uint256 taken = escrow.account(p, operator).collected - a.collected;
        debtsCollected += taken;
        ++made["collectDebt"];
    }

    /* THE OPERATOR */

    function depositTheBond(uint40 amount) external {
        if (amount == 0) return;
        depositBond(amount);
        minted += amount;
        bondsIn += amount;
        ++made["depositBond"];
    }

    function requestBond(uint64 amount) external {
        uint64 free = operators.freeBond(operator);
        if (free == 0) return;
        vm.prank(operator);
        operators.requestWithdrawal(1 + amount % free);
        ++made["requestBond"];
    }

    function withdrawBond() external {
        Bond memory bond = operators.bond(operator);
        if (bond.withdrawing == 0 || clock() < bond.availableAt) return;
        vm.prank(operator);
        operators.withdrawBond();
        bondsOut += bond.withdrawing;
        ++made["withdrawBond"];
    }

    function commitBatch(uint32[PAYERS] calldata amounts) external {
        Charge[] memory charges = _charges(amounts);
        if (!_take(charges)) return;
        BatchHeader memory h = headerFor(charges, uint24(2 * charges.length));
        bytes32[] memory hashes = hashesFor(h.blobCount, draws++);
        attest(hashes, clock());
        vm.prank(operator);
        uint64 id = ledger.commitBatch(h, hashes, charges);
        _note(id, recordOf(h, hashes, charges), h, hashes, charges);
        ++made["commit"];
    }

    function finalizeBatch(uint256 which) external {
        if (_open.length == 0) return;
        uint256 index = which % _open.length;
        OpenBatch memory batch = _open[index];
        if (clock() <= batch.record.committedAt + 7 days) return;
        ledger.finalizeBatch(batch.id, batch.record);
        funded += batch.record.totalFee;
        finalized.push(batch.id);
        _open[index] = _open[_open.length - 1];
        _open.pop();
        ++made["finalize"];
    }

    /* FALSE BATCHES */

    /// As Challenges does when a fault was shown.
    function voidBatch(uint256 which) external {
        if (_open.length == 0 || which % 4 != 0) return;
        uint256 index = (which / 4) % _open.length;
        OpenBatch memory batch = _open[index];
        vm.prank(address(receiptChallenges));
        ledger.voidBatch(batch.id, batch.record, uint24(PAYERS), address(0xC4A1), "fault");
        uint64 held = batch.record.reserve;
        rewards += held / 5;
        burned += held - held / 5;
        (batch.record.status, batch.record.reserve) = (BatchStatus.Voided, 0);
        _holes.push(Hole(batch.id, batch.record, clock()));
        for (uint256 p = 0; p < PAYERS; ++p) {
            _refunded[batch.id][p] = false;
        }
        _open[index] = _open[_open.length - 1];
        _open.pop();
        ++made["void"];
    }

    function refund(uint256 which, uint256 who) public {
        if (_holes.length == 0) return;
        Hole memory hole = _holes[which % _holes.length];
        uint256[] memory payers = new uint256[](2);
        (payers[0], payers[1]) = (who % PAYERS, (who / PAYERS) % PAYERS);
        uint256 own = escrow.account(operator, operator).balance;
        ledger.refund(
            hole.id, hole.record, _headers[hole.id], _hashes[hole.id], _chargesOf[hole.id], payers
        );
        shortfallsReturned += escrow.account(operator, operator).balance - own;
        for (uint256 n = 0; n < 2; ++n) {
            if (_refunded[hole.id][payers[n]]) continue;
            _refunded[hole.id][payers[n]] = true;
            Charge memory c = _chargesOf[hole.id][payers[n]];
            owedBy[c.payer] -= c.amount;
            ++made["refund"];
        }
    }

    function recommitBatch(uint256 which, uint32[PAYERS] calldata amounts) external {
        if (_holes.length == 0) return;
        uint256 index = which % _holes.length;
        Hole memory hole = _holes[index];
        if (clock() == hole.voidedAt) skip(1);
        if (clock() > hole.voidedAt + 3 days) return;
        for (uint256 p = 0; p < PAYERS; ++p) {
            refund(index, p * (1 + PAYERS));
        }
        Charge[] memory charges = _charges(amounts);
        for (uint256 i = 0; i < PAYERS; ++i) {
            charges[i].amount %= 1e6;
        }
        // What a past time allows is the escrow's own matter (its tests have it); here the deposit covers all of it.
        uint64 total = 0;
        for (uint256 i = 0; i < PAYERS; ++i) {
            total += charges[i].amount;
        }
        uint256 own = escrow.account(operator, operator).balance;
        if (own < total || operators.freeBond(operator) < operators.reserveFor(total)) return;
        _refill(hole, charges);
        shortfallsPaid += own - escrow.account(operator, operator).balance;
        for (uint256 i = 0; i < PAYERS; ++i) {
            owedBy[charges[i].payer] += charges[i].amount;
        }
        _holes[index] = _holes[_holes.length - 1];
        _holes.pop();
        ++made["recommit"];
    }

    function penalize(uint32 amount) external {
        if (amount % 8 != 0) return;
        vm.prank(address(receiptChallenges));
        uint64 taken = ledger.penalizeUnposted(operator, amount, address(0xC4A1));
        rewards += taken / 5;
        burned += taken - taken / 5;
        ++made["penalize"];
    }

    /// What batches that are voided still hold in custody.
    function custodyOfHoles() external view returns (uint256 sum) {
        for (uint256 n = 0; n < _holes.length; ++n) {
            for (uint256 p = 0; p < PAYERS; ++p) {
                if (!_refunded[_holes[n].id][p]) sum += _chargesOf[_holes[n].id][p].amount;
            }
        }
    }

    function holeCount() external view returns (uint256) {
        return _holes.length;
    }

    /* ROOTS AND PAYEES */

    /// A root that gives away up to all that is funded, on top of the newest one that stands.
    function submitRoot(uint256[PAYEES] calldata draws) external {
        uint256[PAYEES] memory cumulative = _standing();
        uint256 left = distributor.totalFunded();
        for (uint256 i = 0; i < PAYEES; ++i) {
            left -= cumulative[i];
        }
        uint256 total = distributor.totalFunded() - left;
        for (uint256 i = 0; i < PAYEES; ++i) {
            uint256 more = draws[i] % (left + 1);
            cumulative[i] += more;
            left -= more;
            total += more;
        }
        vm.roll(vm.getBlockNumber() + 1);
        Distribution memory d = distribution(_root(cumulative), total);
        distributor.submitRoot(d, quorumFor(d));
        _trees.push(TreeOfRoot(d.rootIndex, cumulative, false));
        ++made["submitRoot"];
    }

    function disableRoot() external {
        if (_trees.length == 0) return;
        TreeOfRoot storage tree = _trees[_trees.length - 1];
        if (tree.disabled || clock() >= distributor.root(tree.index).activatesAt) return;
        vm.prank(vm.addr(attesterKeys[2]));
        distributor.disableRoot(tree.index);
        tree.disabled = true;
        ++made["disableRoot"];
    }

    function claimMany(uint256 which) external {
        if (_trees.length == 0) return;
        TreeOfRoot memory tree = _trees[which % _trees.length];
        if (tree.disabled || clock() < distributor.root(tree.index).activatesAt) return;
        Claim[] memory claims = new Claim[](PAYEES);
        for (uint256 i = 0; i < PAYEES; ++i) {
            claims[i] = Claim(payeeAt(i), tree.cumulative[i], _proof(tree.cumulative, i));
        }
        distributor.claimMany(tree.index, claims);
        ++made["claimMany"];
    }

    /* TIME AND STRANGERS */

    function passTime(uint32 time) external {
        skip(time % 8 days);
        ++made["passTime"];
    }

    function sendStray(uint32 where, uint32 amount) external {
        address[3] memory targets = [address(escrow), address(operators), address(distributor)];
        mint(targets[where % 3], amount);
        minted += amount;
        stray += amount;
        ++made["stray"];
    }

    /* INTERNAL */

    function _refill(Hole memory hole, Charge[] memory charges) private {
        BatchHeader memory h = headerFor(charges, hole.record.count);
        h.firstSeq = hole.record.firstSeq;
        bytes32[] memory hashes = hashesFor(h.blobCount, draws++);
        attest(hashes, clock());
        vm.prank(operator);
        ledger.recommitBatch(hole.id, hole.record, h, hashes, charges);
        BatchRecord memory record = recordOf(h, hashes, charges);
        record.firstCommittedAt = hole.record.firstCommittedAt;
        _note(hole.id, record, h, hashes, charges);
    }

    function _note(
        uint64 id,
        BatchRecord memory record,
        BatchHeader memory h,
        bytes32[] memory hashes,
        Charge[] memory charges
    ) private {
        _open.push(OpenBatch(id, record));
        (_headers[id], _hashes[id]) = (h, hashes);
        delete _chargesOf[id];
        for (uint256 i = 0; i < charges.length; ++i) {
            _chargesOf[id].push(charges[i]);
        }
    }

    /// Whether bond and deposit carry such a batch; if so it is written into the books.
    function _take(Charge[] memory charges) private returns (bool) {
        uint64 total = 0;
        uint64 short = 0;
        for (uint256 i = 0; i < PAYERS; ++i) {
            total += charges[i].amount;
            short += charges[i].amount - _payable(charges[i]);
        }
        if (operators.freeBond(operator) < operators.reserveFor(total)) return false;
        if (escrow.account(operator, operator).balance < short) return false;
        shortfallsPaid += short;
        for (uint256 i = 0; i < PAYERS; ++i) {
            owedBy[charges[i].payer] += charges[i].amount;
        }
        return true;
    }

    function _charges(uint32[PAYERS] calldata amounts) private pure returns (Charge[] memory charges) {
        charges = new Charge[](PAYERS);
        for (uint256 i = 0; i < PAYERS; ++i) {
            charges[i] = Charge(payerAt(i), amounts[i]);
        }
        for (uint256 i = 0; i < PAYERS; ++i) {
            for (uint256 j = i + 1; j < PAYERS; ++j) {
                if (charges[j].payer < charges[i].payer) (charges[i], charges[j]) = (charges[j], charges[i]);
            }
        }
    }

    /// What the payer itself will pay of this charge, worked out from the public view.
    function _payable(Charge memory c) private view returns (uint64) {
        AccountView memory a = escrow.account(c.payer, operator);
        uint64 limit = a.validUntil >= clock() && a.cap > a.collected ? a.cap - a.collected : 0;
        if (a.balance < limit) limit = a.balance;
        return c.amount < limit ? c.amount : limit;
    }

    function _standing() private view returns (uint256[PAYEES] memory cumulative) {
        for (uint256 i = _trees.length; i > 0; --i) {
            if (!_trees[i - 1].disabled) return _trees[i - 1].cumulative;
        }
    }

    function _root(uint256[PAYEES] memory c) private view returns (bytes32) {
        return Hashes.commutativeKeccak256(
            Hashes.commutativeKeccak256(leaf(payeeAt(0), c[0]), leaf(payeeAt(1), c[1])), leaf(payeeAt(2), c[2])
        );
    }

    function _proof(uint256[PAYEES] memory c, uint256 index) private view returns (bytes32[] memory path) {
        if (index == 2) {
            path = new bytes32[](1);
            path[0] = Hashes.commutativeKeccak256(leaf(payeeAt(0), c[0]), leaf(payeeAt(1), c[1]));
        } else {
            path = new bytes32[](2);
            path[0] = leaf(payeeAt(1 - index), c[1 - index]);
            path[1] = leaf(payeeAt(2), c[2]);
        }
    }
}
