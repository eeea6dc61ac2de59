// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchStatus} from "../../interfaces/BatchTypes.sol";
import {CommittedBatch, IChallenges, Opening} from "../../interfaces/IChallenges.sol";
import {IFormatChallenges} from "../../interfaces/IFormatChallenges.sol";
import {InferenceReceipt} from "../../interfaces/InferenceReceipt.sol";
import {IReceiptChallenges} from "../../interfaces/IReceiptChallenges.sol";
import {BlobModel} from "./BlobModel.sol";

/// @notice An honest batch stands, whatever is said of it.
contract InnocenceTest is BlobModel {
    struct Draw {
        uint256 i;
        uint256 j;
        uint256 p;
        uint256 k;
        uint256 position;
        uint256 part;
        uint256 entry;
    }

    CommittedBatch private batch;
    uint256 private refusals;
    uint256 private innocent;

    function refused(bytes memory call) private {
        (bool success, bytes memory answer) = court(call).call(call);
        vm.assertFalse(success);
        ++refusals;
        if (bytes4(answer) == IChallenges.ChallengeInnocent.selector) ++innocent;
    }

    /// Openings of B_i and B_{i−1}, as fees take them.
    function fee(uint256 i) private view returns (Opening[] memory) {
        return i == 0 ? openings(bAt(0)) : openings(bAt(i), bAt(i - 1));
    }

    function challengeAll(CommittedBatch memory b, Draw memory d) private {
        refused(abi.encodeCall(IFormatChallenges.challengeHeader, (b, d.position % 3, opening(d.position % 3))));
        refused(abi.encodeCall(IFormatChallenges.challengeElement, (b, d.position, opening(d.position))));
        refused(abi.encodeCall(IFormatChallenges.challengeCharge, (b, d.p, opening(pAt(d.p)))));
        refused(abi.encodeCall(IFormatChallenges.challengeReceipt, (b, d.i, opening(bAt(d.i)))));
        refused(
            abi.encodeCall(IFormatChallenges.challengeNeighbours, (b, d.i, opening(bAt(d.i)), opening(bAt(d.i + 1))))
        );
        refused(
            abi.encodeCall(IFormatChallenges.challengePayerTotal, (b, d.i, opening(bAt(d.i)), opening(bAt(d.i + 1))))
        );
        refused(
            abi.encodeCall(
                IFormatChallenges.challengePayerLast, (b, d.p, opening(pAt(d.p)), d.i, opening(bAt(d.i)))
            )
        );
        refused(
            abi.encodeCall(IFormatChallenges.challengeDuplicate, (b, d.i, d.j, opening(bAt(d.i)), opening(bAt(d.j))))
        );
        refused(abi.encodeCall(IReceiptChallenges.challengePrice, (b, d.i, fee(d.i))));
        Opening[] memory parts = d.part % 2 == 0 ? openings(setsAt() + d.k) : openings(setsAt() + d.k, setsAt() + d.k + 1);
        refused(abi.encodeCall(IFormatChallenges.challengeSetPart, (b, d.k, opening(setsAt() + d.k))));
        refused(
            abi.encodeCall(
                IFormatChallenges.challengeSetNeighbours, (b, d.k, opening(setsAt() + d.k), opening(setsAt() + d.k + 1))
            )
        );
        refused(abi.encodeCall(IFormatChallenges.challengeSetSum, (b, d.k, parts)));
        refused(
            abi.encodeCall(IFormatChallenges.challengeSetPointer, (b, d.i, opening(bAt(d.i)), openings(pointer(d.i))))
        );
        refused(
            abi.encodeCall(
                IReceiptChallenges.challengeAdmission,
                (b, d.i, opening(bAt(d.i)), d.part, d.entry, openings(pointer(d.i) + d.part))
            )
        );
    }

    function challengeSigned(CommittedBatch memory b, InferenceReceipt memory r, uint256 i, bool two) private {
        bytes memory s = signed(r);
        (Opening memory a, Opening memory o) = (opening(aAt(i)), opening(bAt(i)));
        refused(abi.encodeCall(IReceiptChallenges.challengeAltered, (b, r, s, i, a, o)));
        refused(abi.encodeCall(IReceiptChallenges.challengeField, (b, r, s, i, a, o)));
        refused(abi.encodeCall(IReceiptChallenges.challengeSignedFee, (b, r, s, i, a, fee(i))));
        Opening[] memory parts = two ? openings(pointer(i), pointer(i) + 1) : openings(pointer(i));
        refused(abi.encodeCall(IReceiptChallenges.challengeSignedSet, (b, r, s, i, a, o, parts)));
        refused(abi.encodeCall(IReceiptChallenges.penalizeUnposted, (r, s)));
        refused(abi.encodeCall(IReceiptChallenges.penalizeConsumed, (r, s, b.batchId, b.record)));
        refused(abi.encodeCall(IReceiptChallenges.penalizeConsumed, (r, s, 0, b.record)));
    }

    function pointer(uint256 i) private view returns (uint256) {
        return bAt(i) < elements.length ? uint32(elements[bAt(i)] >> 128) : 0;
    }

    /// forge-config: default.fuzz.runs = 48
    function test_fuzz_an_honest_batch_stands_whatever_is_shown(uint256 seed, uint256 late) external {
        build(seed, 6);
        batch = post();
        bytes32 before = ledger.batchHash(batch.batchId);
        skip(late % 8 days);
        for (uint256 n = 0; n < 4; ++n) {
            Draw memory d = Draw({
                i: draw(seed, 300 + n) % (header.count + 1),
                j: draw(seed, 310 + n) % (header.count + 1),
                p: draw(seed, 320 + n) % (header.payerCount + 1),
                k: draw(seed, 330 + n) % 4,
                position: draw(seed, 340 + n) % (elements.length + 4),
                part: draw(seed, 350 + n) % 5,
                entry: draw(seed, 360 + n) % 5
            });
            challengeAll(batch, d);
            challengeSigned(batch, receipts[draw(seed, 370 + n) % header.count], d.i, d.part % 2 == 0);
        }
        // Each receipt against its own place.
        for (uint256 i = 0; i < header.count; ++i) {
            challengeSigned(batch, receipts[i], i, receipts[i].attributionHash == keccak256(doubleSet));
        }
        vm.assertEq(ledger.batchHash(batch.batchId), before);
        vm.assertTrue(ledger.batchStatus(batch.batchId, batch.record) == BatchStatus.Open);
        // Most of it was judged, not merely ill-formed.
        vm.assertGe(innocent * 5, refusals);
    }

    /// forge-config: default.fuzz.runs = 32
    function test_fuzz_no_value_but_the_blobs_own_is_taken(uint256 seed, bytes32 value, bytes calldata proof) external {
        build(seed, 4);
        batch = post();
        uint256 position = seed % elements.length;
        vm.assume(value != bytes32(elements[position]));
        Opening memory lie = Opening(value, proof);
        refused(abi.encodeCall(IFormatChallenges.challengeElement, (batch, position, lie)));
        refused(abi.encodeCall(IFormatChallenges.challengeHeader, (batch, position % 2, lie)));
        vm.assertEq(innocent, 0);
    }
}
