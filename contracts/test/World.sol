// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {
    AttributionMode,
    IAttributionRegistry,
    Kind,
    Parent,
    Share,
    Terms
} from "../interfaces/IAttributionRegistry.sol";
import {BatchHeader, BatchRecord, BatchStatus, Charge} from "../interfaces/BatchTypes.sol";
import {SpendAuthorization} from "../interfaces/IPaymentEscrow.sol";
import {Distribution} from "../interfaces/IRoyaltyDistributor.sol";
import {AttributionRegistry} from "../src/AttributionRegistry.sol";
import {BlobDemands} from "../src/BlobDemands.sol";
import {FormatChallenges} from "../src/FormatChallenges.sol";
import {Operators} from "../src/Operators.sol";
import {PaymentEscrow} from "../src/PaymentEscrow.sol";
import {ReceiptChallenges} from "../src/ReceiptChallenges.sol";
import {ReceiptLedger} from "../src/ReceiptLedger.sol";
import {RoyaltyDistributor} from "../src/RoyaltyDistributor.sol";
import {TestToken} from "../src/TestToken.sol";
import {Vm} from "./Vm.sol";

/// @notice All L2 contracts, wired as a deployment wires them, and the moves of an operator and its payers.
abstract contract World {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint32 internal constant PROTOCOL_PPM = 25_000;
    uint64 internal constant MIN_RESERVE = 100e6;
    uint32 internal constant RESERVE_PPM = 500_000;
    uint64 internal constant DEMAND_DEPOSIT = 50e6;
    uint256 internal constant QUORUM = 2;
    uint256 internal constant PAYER_KEY = 0xA11CE;
    uint160 internal constant ALIAS_OFFSET = uint160(0x1111000000000000000000000000000000001111);

    address internal immutable operator = _name("operator");
    address internal immutable payer = vm.addr(PAYER_KEY);
    address internal immutable other = _name("another payer");
    address internal immutable stranger = _name("stranger");
    address internal immutable pauser = _name("pauser");
    address internal immutable governor = _name("governor");
    address internal immutable inbox = _name("inbox");
    address internal immutable protocolPayee = _name("protocol");
    uint256[] internal attesterKeys;

    IERC20 internal token;
    AttributionRegistry internal registry;
    Operators internal operators;
    PaymentEscrow internal escrow;
    RoyaltyDistributor internal distributor;
    ReceiptLedger internal ledger;
    FormatChallenges internal formatChallenges;
    ReceiptChallenges internal receiptChallenges;
    BlobDemands internal demands;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        vm.roll(1000);
        deploy(IERC20Metadata(address(new TestToken())), address(0));
    }

    /* DEPLOYMENT */

    function deploy(IERC20Metadata token_, address messenger) internal {
        token = token_;
        uint64 nonce = vm.getNonce(address(this));
        address ledgerAt = vm.computeCreateAddress(address(this), nonce + 7);
        address distributorAt = vm.computeCreateAddress(address(this), nonce + 3);
        registry = new AttributionRegistry(1_000_000 - PROTOCOL_PPM);
        operators = new Operators(token, ledgerAt, MIN_RESERVE, RESERVE_PPM, pauser);
        escrow = new PaymentEscrow(token_, ledgerAt, distributorAt, pauser);
        distributor = new RoyaltyDistributor(token, ledgerAt, governor, attesters(), QUORUM);
        formatChallenges = new FormatChallenges(ReceiptLedger(ledgerAt), registry, operators);
        receiptChallenges = new ReceiptChallenges(ReceiptLedger(ledgerAt), registry, operators);
        demands = new BlobDemands(ReceiptLedger(ledgerAt), registry, operators, token, DEMAND_DEPOSIT);
        ledger = new ReceiptLedger(wiring(messenger));
        require(address(ledger) == ledgerAt && address(distributor) == distributorAt, "planned addresses");
    }

    function wiring(address messenger) internal view returns (ReceiptLedger.Wiring memory) {
        return ReceiptLedger.Wiring({
            registry: registry,
            operators: operators,
            escrow: escrow,
            distributor: distributor,
            formatChallenges: formatChallenges,
            receiptChallenges: receiptChallenges,
            blobDemands: demands,
            inbox: inbox,
            messenger: messenger,
            protocolPayee: protocolPayee,
            protocolPpm: PROTOCOL_PPM,
            pauser: pauser
        });
    }

    /// Three attesters, ascending by address, as signatures must be.
    function attesters() internal returns (address[] memory sorted) {
        if (attesterKeys.length == 0) {
            uint256[3] memory keys = [uint256(0xA1), 0xA2, 0xA3];
            for (uint256 i = 0; i < 3; ++i) {
                for (uint256 j = i + 1; j < 3; ++j) {
                    if (vm.addr(keys[j]) < vm.addr(keys[i])) (keys[i], keys[j]) = (keys[j], keys[i]);
                }
                attesterKeys.push(keys[i]);
            }
        }
        sorted = new address[](3);
        for (uint256 i = 0; i < 3; ++i) {
            sorted[i] = vm.addr(attesterKeys[i]);
        }
    }

    /* MONEY */

    function mint(address to, uint256 amount) internal {
        TestToken(address(token)).mint(to, amount);
    }

    /// Tolerates tokens that return nothing, as the contracts do.
    function approve(address spender, uint256 amount) private {
        (bool success,) = address(token).call(abi.encodeCall(IERC20.approve, (spender, amount)));
        require(success, "approve");
    }

    function deposit(address payer_, uint64 amount) internal {
        mint(address(this), amount);
        approve(address(escrow), amount);
        escrow.deposit(payer_, operator, amount);
    }

    function depositBond(uint64 amount) internal {
        mint(address(this), amount);
        approve(address(operators), amount);
        operators.depositBond(operator, amount);
    }

    function authorizeAs(uint256 key, address payer_, uint64 cap, uint40 validUntil) internal {
        (SpendAuthorization[] memory list, bytes[] memory signatures) =
            signedAuthorization(key, payer_, cap, validUntil);
        escrow.authorize(list, signatures);
    }

    function signedAuthorization(uint256 key, address payer_, uint64 cap, uint40 validUntil)
        internal
        view
        returns (SpendAuthorization[] memory list, bytes[] memory signatures)
    {
        list = new SpendAuthorization[](1);
        list[0] = SpendAuthorization(payer_, operator, cap, validUntil);
        signatures = new bytes[](1);
        signatures[0] = signature(key, escrow.authorizationDigest(list[0]));
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function inDays(uint256 count) internal view returns (uint40) {
        return uint40(clock() + count * 1 days);
    }

    function skip(uint256 time) internal {
        vm.warp(clock() + time);
    }

    /// The block's time. The compiler takes TIMESTAMP for constant within a call, which here it is not.
    function clock() internal view returns (uint40) {
        return uint40(vm.getBlockTimestamp());
    }

    /* BATCHES */

    function charge(address payer_, uint64 amount) internal pure returns (Charge[] memory charges) {
        charges = new Charge[](1);
        charges[0] = Charge(payer_, amount);
    }

    function headerFor(Charge[] memory charges, uint24 count) internal view returns (BatchHeader memory h) {
        h.operator = operator;
        h.firstSeq = ledger.nextSeq(operator, 0);
        h.count = count;
        h.payerCount = uint24(charges.length);
        uint128 total = 0;
        for (uint256 i = 0; i < charges.length; ++i) {
            total += charges[i].amount;
        }
        h.totalFee = total;
        h.blobCount = uint8((2 + 2 * uint256(count) + charges.length + 4095) / 4096);
        h.baseTime = clock();
    }

    function hashesFor(uint256 blobs, uint256 seed) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](blobs);
        for (uint256 i = 0; i < blobs; ++i) {
            hashes[i] = bytes32(uint256(1) << 248 | uint256(keccak256(abi.encode(seed, i))) >> 8);
        }
    }

    function attest(bytes32[] memory hashes, uint40 l1Time) internal {
        bytes32[] memory posts = new bytes32[](1);
        uint40[] memory times = new uint40[](1);
        posts[0] = keccak256(abi.encodePacked(hashes));
        times[0] = l1Time;
        vm.prank(address(uint160(inbox) + ALIAS_OFFSET));
        ledger.attest(posts, times);
    }

    /// Attests and commits a batch of `charges`, two receipts a payer.
    function commit(Charge[] memory charges) internal returns (uint64 batchId, BatchRecord memory record) {
        BatchHeader memory h = headerFor(charges, uint24(2 * charges.length));
        bytes32[] memory hashes = hashesFor(h.blobCount, ledger.batchCount());
        attest(hashes, clock());
        vm.prank(operator);
        batchId = ledger.commitBatch(h, hashes, charges);
        record = recordOf(h, hashes, charges);
    }

    function recordOf(BatchHeader memory h, bytes32[] memory hashes, Charge[] memory charges)
        internal
        view
        returns (BatchRecord memory)
    {
        uint40 time = clock();
        return BatchRecord({
            status: BatchStatus.Open,
            operator: h.operator,
            lane: h.lane,
            firstSeq: h.firstSeq,
            count: h.count,
            totalFee: uint64(h.totalFee),
            reserve: operators.reserveFor(uint64(h.totalFee)),
            firstCommittedAt: time,
            committedAt: time,
            termsFrom: termsFromOf(time),
            attestedAt: ledger.attestedAt(keccak256(abi.encodePacked(hashes))),
            batchCommitment: keccak256(abi.encode(h, hashes, charges))
        });
    }

    /// A day before, not counting a pause of three days that ended since.
    function termsFromOf(uint40 time) internal view returns (uint40) {
        return ledger.intakePausedUntil() > time - 1 days ? time - 4 days : time - 1 days;
    }

    /* ASSETS */

    function plainTerms(address payee) internal pure returns (Terms memory t) {
        t.royaltyPpm = 200_000;
        t.split = new Share[](1);
        t.split[0] = Share(payee, 1_000_000);
    }

    function childTerms(address payee, uint32 parentId, uint32 ppm) internal pure returns (Terms memory t) {
        t = plainTerms(payee);
        t.parents = new Parent[](1);
        t.parents[0] = Parent(parentId, ppm);
    }

    function register(address owner, Kind kind, bytes32 contentHash, Terms memory t) internal returns (uint32) {
        vm.prank(owner);
        registry.commit(keccak256(abi.encode(owner, kind, contentHash, bytes32("salt"))));
        skip(60);
        vm.prank(owner);
        return registry.register(kind, contentHash, "salt", "ipfs://content", t);
    }

    /* ROOTS */

    function distribution(bytes32 root, uint256 total) internal view returns (Distribution memory) {
        return Distribution({
            rootIndex: distributor.nextRootIndex(),
            root: root,
            totalCumulative: total,
            throughL2Block: uint64(vm.getBlockNumber() - 1),
            throughL2BlockHash: blockhash(vm.getBlockNumber() - 1),
            dataHash: keccak256("file")
        });
    }

    function quorumFor(Distribution memory d) internal view returns (bytes[] memory signatures) {
        bytes32 digest = distributor.distributionDigest(d);
        signatures = new bytes[](QUORUM);
        for (uint256 i = 0; i < QUORUM; ++i) {
            signatures[i] = signature(attesterKeys[i], digest);
        }
    }

    function leaf(address payee, uint256 cumulative) internal view returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(payee, address(token), cumulative))));
    }

    /// Pays `amount` into the distributor as the ledger does.
    function fund(uint64 amount) internal {
        mint(address(distributor), amount);
        vm.prank(address(ledger));
        distributor.fund(1, amount);
    }

    function _name(string memory text) private pure returns (address) {
        return address(uint160(uint256(keccak256(bytes(text)))));
    }
}
