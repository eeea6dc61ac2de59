// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, BatchStatus, Charge} from "../../interfaces/BatchTypes.sol";
import {AttributionMode, Kind, Terms} from "../../interfaces/IAttributionRegistry.sol";
import {CommittedBatch, Opening} from "../../interfaces/IChallenges.sol";
import {IFormatChallenges} from "../../interfaces/IFormatChallenges.sol";
import {InferenceReceipt} from "../../interfaces/InferenceReceipt.sol";
import {BlobOpening} from "../../src/libraries/BlobOpening.sol";
import {World} from "../World.sol";

/// @notice Batches of drawn shape, element by element, with a faithful model of the point-evaluation precompile: for
/// the blob's own hash it confirms exactly the values that stand in it, each at its own point, and nothing else. (The
/// real precompile with real blobs is tested on the devnet.)
abstract contract BlobModel is World {
    uint256 internal constant LANE_KEY = 0x1A9E;
    uint32 internal constant SET_MODEL = 7;
    uint32 internal constant FIXED_MODEL = 8;
    uint64 internal constant INPUT_PRICE = 1500;
    uint64 internal constant OUTPUT_PRICE = 2500;
    bytes32 internal constant SINGLE_SET = keccak256(abi.encodePacked(uint32(2), uint24(1_000_000)));

    uint256[] internal elements;
    BatchHeader internal header;
    Charge[] internal charges;
    /// In blob order, and signed by the lane's key.
    InferenceReceipt[] internal receipts;
    CommittedBatch private committed;
    bytes internal doubleSet;

    function setUp() public virtual override {
        super.setUp();
        Terms memory plain = plainTerms(stranger);
        for (uint256 n = 1; n <= 6; ++n) {
            register(stranger, Kind.Dataset, bytes32(n), plain);
        }
        Terms memory open = plainTerms(stranger);
        open.mode = AttributionMode.Operator;
        (open.floorInputPrice, open.floorOutputPrice) = (1000, 2000);
        open.datasets = new uint32[](5);
        for (uint32 n = 0; n < 5; ++n) {
            open.datasets[n] = n + 1;
        }
        require(register(stranger, Kind.Model, "set model", open) == SET_MODEL, "asset id");
        require(register(stranger, Kind.Model, "fixed model", plain) == FIXED_MODEL, "asset id");
        vm.startPrank(operator);
        operators.setPrice(SET_MODEL, INPUT_PRICE, OUTPUT_PRICE);
        operators.setPrice(FIXED_MODEL, INPUT_PRICE, OUTPUT_PRICE);
        operators.addKey(0, vm.addr(LANE_KEY));
        vm.stopPrank();
        deposit(operator, 1e15);
        depositBond(1e15);
        skip(1 hours);
        for (uint32 n = 0; n < 6; ++n) {
            doubleSet = bytes.concat(doubleSet, abi.encodePacked(n, uint24(n < 5 ? 100_000 : 500_000)));
        }
    }

    /* BUILDING */

    /// An honest batch: up to `most` receipts of up to 3 payers, one set of one part and one of two.
    function build(uint256 seed, uint256 most) internal {
        uint256 count = 1 + draw(seed, 0) % most;
        uint256 payers = 1 + draw(seed, 1) % (count < 3 ? count : 3);
        bool sets = draw(seed, 2) % 4 != 0;
        delete elements;
        delete charges;
        delete receipts;
        header = BatchHeader({
            operator: operator,
            lane: 0,
            firstSeq: ledger.nextSeq(operator, 0),
            count: uint24(count),
            payerCount: uint24(payers),
            setFeCount: sets ? 3 : 0,
            totalFee: 0,
            blobCount: 1,
            baseTime: clock() - 1000,
            attributionMethod: 0,
            attributionParamsHash: 0
        });
        elements.push();
        elements.push();
        uint64 sum = 0;
        for (uint256 p = 0; p < payers; ++p) {
            uint64 before = sum;
            for (uint256 offset = 0; offset < count; ++offset) {
                // The first receipts go round, so that every payer has one.
                if ((offset < payers ? offset : draw(seed, 100 + offset) % payers) != p) continue;
                sum += push(seed, p, offset, sum, sets);
            }
            charges.push(Charge(payerOf(p), sum - before));
        }
        header.totalFee = sum;
        uint256 index = 0;
        for (uint256 p = 0; p < payers; ++p) {
            while (index < count && receipts[index].payer == payerOf(p)) ++index;
            elements.push(uint256(uint160(payerOf(p))) << 88 | uint256(charges[p].amount) << 24 | (index - 1));
        }
        if (sets) pushSets();
        writeHeader();
    }

    function writeHeader() internal {
        BatchHeader memory h = header;
        elements[0] = uint248(
            bytes31(abi.encodePacked(uint8(1), h.lane, h.firstSeq, h.operator))
        );
        elements[1] = uint248(
            bytes31(abi.encodePacked(h.count, h.payerCount, h.setFeCount, h.totalFee, h.blobCount, h.baseTime))
        );
    }

    function push(uint256 seed, uint256 p, uint256 offset, uint64 sum, bool sets) private returns (uint64 fee) {
        InferenceReceipt memory r;
        uint256 d = draw(seed, 200 + offset);
        r.operator = operator;
        r.seq = header.firstSeq + uint64(offset);
        r.payer = payerOf(p);
        r.assetId = d % 3 == 0 ? FIXED_MODEL : SET_MODEL;
        r.requestHash = bytes32(d);
        r.inputUnits = uint24(d >> 8) % 5000;
        r.outputUnits = uint24(d >> 32) % 5000;
        fee = uint64((uint256(r.inputUnits) * INPUT_PRICE + uint256(r.outputUnits) * OUTPUT_PRICE + 999) / 1000);
        r.feeUnits = fee;
        r.startedAt = header.baseTime + uint40((d >> 64) % 900);
        r.durationMs = 1000;
        uint256 set = r.assetId == SET_MODEL && sets ? (d >> 80) % 3 : 0;
        if (set == 1) r.attributionHash = SINGLE_SET;
        if (set == 2) r.attributionHash = keccak256(doubleSet);
        receipts.push(r);
        elements.push(uint256(ledger.receiptDigest(r)) >> 8);
        uint256 position = set == 0 ? 0 : setsAt() + set - 1;
        elements.push(receiptElement(r, p, position, sum + fee));
    }

    function receiptElement(InferenceReceipt memory r, uint256 p, uint256 position, uint64 sum)
        internal
        view
        returns (uint256)
    {
        return uint248(
            bytes31(
                abi.encodePacked(
                    uint32(r.seq - header.firstSeq), uint24(p), r.assetId, uint32(position), sum, r.inputUnits,
                    r.outputUnits, uint16(r.startedAt - header.baseTime)
                )
            )
        );
    }

    function pushSets() private {
        bytes memory all = doubleSet;
        elements.push(uint248(bytes31(abi.encodePacked(uint8(0), uint8(1), uint8(0), uint32(2), uint24(1_000_000)))));
        bytes memory head = new bytes(28);
        bytes memory tail = new bytes(14);
        for (uint256 n = 0; n < 42; ++n) {
            if (n < 28) head[n] = all[n];
            else tail[n - 28] = all[n];
        }
        elements.push(uint248(bytes31(abi.encodePacked(uint8(0), uint8(2), uint8(0), head))));
        elements.push(uint248(bytes31(abi.encodePacked(uint8(1), uint8(2), uint8(0), tail))));
    }

    /* COMMITTING */

    function post() internal returns (CommittedBatch memory) {
        return post(true);
    }

    function post(bool attested) internal returns (CommittedBatch memory) {
        bytes32[] memory hashes = hashesFor(1, ledger.batchCount());
        for (uint256 n = 0; n < elements.length; ++n) {
            model(hashes[0], n, elements[n]);
        }
        // The blob's rest is zero; the model knows some of it.
        for (uint256 n = elements.length; n < elements.length + 4; ++n) {
            model(hashes[0], n, 0);
        }
        if (attested) attest(hashes, clock());
        vm.prank(operator);
        uint64 batchId = attested
            ? ledger.commitBatch(header, hashes, charges)
            : ledger.commitUnattested(header, hashes, charges, "elsewhere");
        committed.batchId = batchId;
        committed.record = recordOf(header, hashes, charges);
        committed.header = header;
        committed.versionedHashes = hashes;
        delete committed.charges;
        for (uint256 n = 0; n < charges.length; ++n) {
            committed.charges.push(charges[n]);
        }
        return committed;
    }

    function model(bytes32 hash, uint256 index, uint256 value) private {
        vm.mockCall(
            address(0x0A),
            abi.encodePacked(hash, BlobOpening.point(index), value),
            abi.encode(4096, BlobOpening.MODULUS)
        );
    }

    /* COURTS */

    /// The contract that hears this call.
    function court(bytes memory call) internal view returns (address) {
        bytes4[12] memory ofFormat = [
            IFormatChallenges.challengeHeader.selector,
            IFormatChallenges.challengeElement.selector,
            IFormatChallenges.challengeCharge.selector,
            IFormatChallenges.challengeReceipt.selector,
            IFormatChallenges.challengeNeighbours.selector,
            IFormatChallenges.challengePayerTotal.selector,
            IFormatChallenges.challengePayerLast.selector,
            IFormatChallenges.challengeDuplicate.selector,
            IFormatChallenges.challengeSetPart.selector,
            IFormatChallenges.challengeSetNeighbours.selector,
            IFormatChallenges.challengeSetSum.selector,
            IFormatChallenges.challengeSetPointer.selector
        ];
        for (uint256 n = 0; n < 12; ++n) {
            if (ofFormat[n] == bytes4(call)) return address(formatChallenges);
        }
        return address(receiptChallenges);
    }

    /* NAMES */

    function draw(uint256 seed, uint256 n) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, n)));
    }

    function payerOf(uint256 p) internal pure returns (address) {
        return address(uint160(0xABCD00 + p));
    }

    function aAt(uint256 i) internal pure returns (uint256) {
        return 2 + 2 * i;
    }

    function bAt(uint256 i) internal pure returns (uint256) {
        return 3 + 2 * i;
    }

    function pAt(uint256 p) internal view returns (uint256) {
        return 2 + 2 * uint256(header.count) + p;
    }

    function setsAt() internal view returns (uint256) {
        return pAt(header.payerCount);
    }

    /// The value that stands there, with a proof that the model does not look at.
    function opening(uint256 position) internal view returns (Opening memory o) {
        o.value = bytes32(position < elements.length ? elements[position] : 0);
        o.commitmentAndProof = new bytes(96);
    }

    function openings(uint256 position) internal view returns (Opening[] memory list) {
        list = new Opening[](1);
        list[0] = opening(position);
    }

    function openings(uint256 first, uint256 second) internal view returns (Opening[] memory list) {
        list = new Opening[](2);
        (list[0], list[1]) = (opening(first), opening(second));
    }

    function signed(InferenceReceipt memory r) internal view returns (bytes memory) {
        return signature(LANE_KEY, ledger.receiptDigest(r));
    }
}
