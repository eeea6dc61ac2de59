// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchStatus} from "../../interfaces/BatchTypes.sol";
import {CommittedBatch, IChallenges, Opening} from "../../interfaces/IChallenges.sol";
import {IFormatChallenges} from "../../interfaces/IFormatChallenges.sol";
import {InferenceReceipt} from "../../interfaces/InferenceReceipt.sol";
import {IReceiptChallenges} from "../../interfaces/IReceiptChallenges.sol";
import {BlobModel} from "./BlobModel.sol";

/// @notice An honest batch stands, whatever is said of it.
/// @dev Each refusal must have the reason that the arguments call for: ChallengeInnocent for all that points at something
/// and opens it, so that nothing counts as refused which was merely ill-formed.
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

    bytes4 private constant INNOCENT = IChallenges.ChallengeInnocent.selector;
    bytes4 private constant OUT_OF_RANGE = IChallenges.ChallengeOutOfRange.selector;
    bytes4 private constant NO_SUCH_SET = IChallenges.ChallengeNoSuchSet.selector;
    bytes4 private constant OPENING_COUNT = IChallenges.ChallengeOpeningCount.selector;
    bytes4 private constant OTHER_RECEIPT = IReceiptChallenges.ChallengeOtherReceipt.selector;

    function refused(bytes memory call, bytes4 reason) private {
        (bool success, bytes memory answer) = court(call).call(call);
        vm.assertFalse(success);
        vm.assertEq(bytes32(bytes4(answer)), bytes32(reason), vm.toString(uint256(uint32(bytes4(call)))));
    }

    /// Whether what is pointed at is there.
    function judged(bool isThere) private pure returns (bytes4) {
        return isThere ? INNOCENT : OUT_OF_RANGE;
    }

    /// Openings of B_i and B_{i−1}, as fees take them.
    function fee(uint256 i) private view returns (Opening[] memory) {
        return i == 0 ? openings(bAt(0)) : openings(bAt(i), bAt(i - 1));
    }

    /* AGAINST THE BATCH'S OWN FORM */

    function challengeElements(CommittedBatch memory b, Draw memory d) private {
        bytes memory call =
            abi.encodeCall(IFormatChallenges.challengeHeader, (b, d.position % 3, opening(d.position % 3)));
        refused(call, judged(d.position % 3 < 2));
        call = abi.encodeCall(IFormatChallenges.challengeElement, (b, d.position, opening(d.position)));
        refused(call, judged(d.position < elements.length));
        call = abi.encodeCall(IFormatChallenges.challengeCharge, (b, d.p, opening(pAt(d.p))));
        refused(call, judged(d.p < header.payerCount));
        call = abi.encodeCall(IFormatChallenges.challengeReceipt, (b, d.i, opening(bAt(d.i))));
        refused(call, judged(d.i < header.count));
        call = abi.encodeCall(IReceiptChallenges.challengePrice, (b, d.i, fee(d.i)));
        refused(call, judged(d.i < header.count));
        call = abi.encodeCall(IReceiptChallenges.challengeFloor, (b, d.i, fee(d.i)));
        refused(call, judged(d.i < header.count));
    }

    function challengePairs(CommittedBatch memory b, Draw memory d) private {
        (Opening memory o, Opening memory next) = (opening(bAt(d.i)), opening(bAt(d.i + 1)));
        bool bothThere = d.i + 1 < header.count;
        refused(abi.encodeCall(IFormatChallenges.challengeNeighbours, (b, d.i, o, next)), judged(bothThere));
        refused(abi.encodeCall(IFormatChallenges.challengePayerTotal, (b, d.i, o, next)), judged(bothThere));
        bytes memory call = abi.encodeCall(IFormatChallenges.challengePayerLast, (b, d.p, opening(pAt(d.p)), d.i, o));
        refused(call, judged(d.p < header.payerCount && d.i < header.count));
        call = abi.encodeCall(IFormatChallenges.challengeDuplicate, (b, d.i, d.j, o, opening(bAt(d.j))));
        refused(call, judged(d.i < header.count && d.j < header.count));
    }

    /* SETS: S_0 IS ONE OF ONE PART, S_1 AND S_2 ARE ONE OF TWO */

    function challengeSets(CommittedBatch memory b, Draw memory d) private {
        (uint256 s, uint256 sets) = (setsAt() + d.k, header.setFeCount);
        refused(abi.encodeCall(IFormatChallenges.challengeSetPart, (b, d.k, opening(s))), judged(d.k < sets));
        bytes memory call =
            abi.encodeCall(IFormatChallenges.challengeSetNeighbours, (b, d.k, opening(s), opening(s + 1)));
        refused(call, judged(d.k + 1 < sets));
        bool two = d.part % 2 == 1;
        call = abi.encodeCall(IFormatChallenges.challengeSetSum, (b, d.k, two ? openings(s, s + 1) : openings(s)));
        refused(call, d.k < sets ? ofWholeSet(d.k, two) : OUT_OF_RANGE);
        call = abi.encodeCall(
            IFormatChallenges.challengeSetPointer, (b, d.i, opening(bAt(d.i)), openings(pointer(d.i)))
        );
        refused(call, judged(d.i < header.count));
        call = abi.encodeCall(
            IReceiptChallenges.challengeAdmission,
            (b, d.i, opening(bAt(d.i)), d.part, d.entry, openings(pointer(d.i) + d.part))
        );
        refused(call, ofAdmission(d));
    }

    /// Why openings from S_k on are refused as the parts of a set, or its sum is.
    function ofWholeSet(uint256 k, bool two) private pure returns (bytes4) {
        if (k == 2) return NO_SUCH_SET;
        return two == (k == 1) ? INNOCENT : OPENING_COUNT;
    }

    function ofAdmission(Draw memory d) private view returns (bytes4) {
        if (d.i >= header.count) return OUT_OF_RANGE;
        uint256 first = pointer(d.i);
        if (first == 0) return INNOCENT;
        if (d.part > 3 || d.entry > 3 || first + d.part >= elements.length) return OUT_OF_RANGE;
        uint256 numbered = first + d.part == setsAt() + 2 ? 1 : 0;
        return numbered == d.part ? INNOCENT : NO_SUCH_SET;
    }

    /* AGAINST SIGNED RECEIPTS */

    function challengeSigned(CommittedBatch memory b, uint256 own, uint256 i, bool two) private {
        InferenceReceipt memory r = receipts[own];
        bytes memory s = signed(r);
        (Opening memory a, Opening memory o) = (opening(aAt(i)), opening(bAt(i)));
        bytes4 reason = i >= header.count ? OUT_OF_RANGE : i == own ? INNOCENT : OTHER_RECEIPT;
        refused(abi.encodeCall(IReceiptChallenges.challengeAltered, (b, r, s, i, a, o)), reason);
        refused(abi.encodeCall(IReceiptChallenges.challengeField, (b, r, s, i, a, o)), reason);
        refused(abi.encodeCall(IReceiptChallenges.challengeSignedFee, (b, r, s, i, a, fee(i))), reason);
        uint256 first = pointer(i);
        if (reason == INNOCENT) reason = first == 0 ? NO_SUCH_SET : ofWholeSet(first - setsAt(), two);
        Opening[] memory parts = two ? openings(first, first + 1) : openings(first);
        refused(abi.encodeCall(IReceiptChallenges.challengeSignedSet, (b, r, s, i, a, o, parts)), reason);
        refused(
            abi.encodeCall(IReceiptChallenges.penalizeUnposted, (r, s)),
            IReceiptChallenges.ChallengeReceiptPosted.selector
        );
        refused(abi.encodeCall(IReceiptChallenges.penalizeConsumed, (r, s, b.batchId, b.record)), INNOCENT);
        refused(abi.encodeCall(IReceiptChallenges.penalizeConsumed, (r, s, 0, b.record)), INNOCENT);
    }

    function pointer(uint256 i) private view returns (uint256) {
        return i < header.count ? uint32(elements[bAt(i)] >> 128) : 0;
    }

    /// forge-config: default.fuzz.runs = 48
    function test_fuzz_an_honest_batch_stands_whatever_is_shown(uint256 seed, uint256 late) external {
        build(seed, 6);
        CommittedBatch memory batch = post();
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
            challengeElements(batch, d);
            challengePairs(batch, d);
            challengeSets(batch, d);
            challengeSigned(batch, draw(seed, 370 + n) % header.count, d.i, d.part % 2 == 0);
        }
        // Each receipt against its own place.
        for (uint256 i = 0; i < header.count; ++i) {
            challengeSigned(batch, i, i, receipts[i].attributionHash == keccak256(doubleSet));
        }
        vm.assertEq(ledger.batchHash(batch.batchId), before);
        vm.assertTrue(ledger.batchStatus(batch.batchId, batch.record) == BatchStatus.Open);
    }

    /// forge-config: default.fuzz.runs = 32
    function test_fuzz_no_value_but_the_blobs_own_is_taken(uint256 seed, bytes32 value, bytes calldata proof) external {
        build(seed, 4);
        CommittedBatch memory batch = post();
        uint256 position = seed % elements.length;
        vm.assume(value != bytes32(elements[position]));
        Opening memory lie = Opening(value, proof);
        bytes4 invalid = IChallenges.ChallengeOpeningInvalid.selector;
        refused(abi.encodeCall(IFormatChallenges.challengeElement, (batch, position, lie)), invalid);
        vm.assume(value != bytes32(elements[position % 2]));
        refused(abi.encodeCall(IFormatChallenges.challengeHeader, (batch, position % 2, lie)), invalid);
    }
}
