// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {BatchHeader, BatchRecord, BatchStatus, Charge} from "../../interfaces/BatchTypes.sol";
import {DemandStatus, IBlobDemands} from "../../interfaces/IBlobDemands.sol";
import {CommittedBatch, IChallenges} from "../../interfaces/IChallenges.sol";
import {IReceiptLedger} from "../../interfaces/IReceiptLedger.sol";
import {BlobDemands} from "../../src/BlobDemands.sol";
import {BlacklistToken} from "../tokens/OddTokens.sol";
import {World} from "../World.sol";

/// @notice Blobs of a batch that was committed unattested: posted when demanded, or the batch is voided.
contract DemandsTest is World {
    CommittedBatch private batch;
    bytes32 private recordHash;
    bytes32[] private post;

    function setUp() public override {
        super.setUp();
        deposit(operator, 1e12);
        depositBond(1e12);
        commitIt();
    }

    /// Two blobs, one payer.
    function commitIt() private {
        Charge[] memory charges = charge(payer, 5);
        BatchHeader memory h = headerFor(charges, 3000);
        bytes32[] memory hashes = hashesFor(2, ledger.batchCount());
        vm.prank(operator);
        batch.batchId = ledger.commitUnattested(h, hashes, charges, "elsewhere");
        (batch.record, batch.header, batch.versionedHashes) = (recordOf(h, hashes, charges), h, hashes);
        delete batch.charges;
        batch.charges.push(charges[0]);
        recordHash = keccak256(abi.encode(batch.record));
        vm.assertEq(ledger.batchHash(batch.batchId), recordHash);
    }

    /* MOVES */

    function demand(uint256 blob, address who, bytes memory reason) private {
        mint(who, DEMAND_DEPOSIT);
        vm.startPrank(who);
        (bool approved,) = address(token).call(abi.encodeCall(token.approve, (address(demands), DEMAND_DEPOSIT)));
        require(approved, "approve");
        if (reason.length != 0) vm.expectRevert(reason);
        demands.demandBlob(batch, blob);
        vm.stopPrank();
    }

    function postBlobs(uint256 first, uint256 count, uint40 l1Time) private {
        delete post;
        for (uint256 n = 0; n < count; ++n) {
            post.push(batch.versionedHashes[first + n]);
        }
        attest(post, l1Time);
    }

    function answer(uint256 blob, uint256 index, bytes memory reason) private {
        if (reason.length != 0) vm.expectRevert(reason);
        demands.answer(batch, blob, post, index);
    }

    function finalize(bytes memory reason) private {
        if (reason.length != 0) vm.expectRevert(reason);
        ledger.finalizeBatch(batch.batchId, batch.record);
    }

    function voidWithheld(uint256 blob, bytes memory reason) private {
        if (reason.length != 0) vm.expectRevert(reason);
        demands.voidWithheld(batch, blob);
    }

    function notOpen(uint256 blob, DemandStatus status) private view returns (bytes memory) {
        return abi.encodeWithSelector(IBlobDemands.DemandNotOpen.selector, batch.batchId, blob, status);
    }

    function open() private view returns (uint8 count) {
        (, count) = demands.standing(batch.batchId, recordHash);
    }

    /* THE INNOCENT */

    function test_a_batch_whose_blobs_nobody_misses_is_final_after_the_window() external {
        vm.assertEq(batch.record.attestedAt, 0);
        skip(7 days);
        finalize(abi.encodeWithSelector(IReceiptLedger.LedgerWindowOpen.selector, batch.batchId, clock()));
        skip(1);
        finalize("");
    }

    function test_an_unattested_commit_is_told_apart() external {
        Charge[] memory charges = charge(payer, 5);
        BatchHeader memory h = headerFor(charges, 3000);
        bytes32[] memory hashes = hashesFor(2, 77);
        vm.expectEmit(address(ledger));
        emit IReceiptLedger.BatchUnattested(batch.batchId + 1, "elsewhere");
        vm.prank(operator);
        ledger.commitUnattested(h, hashes, charges, "elsewhere");
    }

    function test_an_answered_demand_pays_the_operator_and_starts_the_window_again() external {
        skip(5 days);
        mint(stranger, DEMAND_DEPOSIT);
        vm.startPrank(stranger);
        token.approve(address(demands), DEMAND_DEPOSIT);
        vm.expectEmit(address(demands));
        emit IBlobDemands.BlobDemanded(
            batch.batchId, stranger, 1, batch.versionedHashes[1], DEMAND_DEPOSIT, clock() + 2 days
        );
        demands.demandBlob(batch, 1);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(address(demands)), DEMAND_DEPOSIT);
        skip(2 days + 1);
        finalize(abi.encodeWithSelector(IReceiptLedger.LedgerBlobsDemanded.selector, batch.batchId, 1));
        // Late, but nobody has voided the batch.
        postBlobs(1, 1, clock() - 1 hours);
        vm.expectEmit(address(demands));
        emit IBlobDemands.DemandAnswered(
            batch.batchId, operator, 1, keccak256(abi.encodePacked(post)), DEMAND_DEPOSIT
        );
        answer(1, 0, "");
        vm.assertEq(token.balanceOf(operator), DEMAND_DEPOSIT);
        uint40 endsAt = clock() + 7 days;
        vm.warp(endsAt);
        finalize(abi.encodeWithSelector(IReceiptLedger.LedgerWindowOpen.selector, batch.batchId, endsAt));
        skip(1);
        finalize("");
        vm.assertEq(distributor.totalFunded(), 5);
    }

    function test_one_post_answers_several_demands() external {
        demand(0, stranger, "");
        demand(1, other, "");
        vm.assertEq(open(), 2);
        postBlobs(0, 2, clock());
        answer(1, 1, "");
        answer(0, 0, "");
        vm.assertEq(open(), 0);
        vm.assertEq(token.balanceOf(operator), 2 * DEMAND_DEPOSIT);
    }

    function test_a_demand_works_while_intake_is_paused_and_so_does_its_answer() external {
        vm.prank(pauser);
        ledger.pauseIntake();
        demand(0, stranger, "");
        postBlobs(0, 1, clock());
        answer(0, 0, "");
    }

    function test_nobody_holds_a_batch_up_for_more_than_nine_days() external {
        uint40 until = clock() + 7 days;
        vm.warp(until);
        demand(0, stranger, "");
        skip(2 days);
        postBlobs(0, 1, clock());
        answer(0, 0, "");
        // The window is open again, and yet it is too late for another demand.
        demand(1, stranger, abi.encodeWithSelector(IBlobDemands.DemandTooLate.selector, until));
        skip(7 days + 1);
        finalize("");
    }

    function test_a_token_that_refuses_the_operator_does_not_make_it_guilty() external {
        BlacklistToken odd = new BlacklistToken();
        deploy(IERC20Metadata(address(odd)), address(0));
        deposit(operator, 1e12);
        depositBond(1e12);
        commitIt();
        demand(0, stranger, "");
        odd.list(operator, true);
        postBlobs(0, 1, clock());
        answer(0, 0, "");
        vm.assertEq(open(), 0);
        vm.assertEq(token.balanceOf(address(demands)), DEMAND_DEPOSIT);
    }

    /* THE GUILTY */

    function test_a_blob_that_is_withheld_voids_the_batch() external {
        demand(0, stranger, "");
        demand(1, other, "");
        skip(2 days);
        voidWithheld(0, abi.encodeWithSelector(IBlobDemands.DemandNotDue.selector, clock()));
        skip(1);
        uint64 held = batch.record.reserve;
        vm.expectEmit(address(ledger));
        emit IReceiptLedger.BatchVoided(batch.batchId, stranger, "blob_withheld");
        vm.expectEmit(address(demands));
        emit IBlobDemands.DemandReturned(batch.batchId, stranger, 0, DEMAND_DEPOSIT);
        // Whoever calls: deposit and reward are the demander's, so nobody can snatch them.
        vm.prank(protocolPayee);
        voidWithheld(0, "");
        vm.assertEq(token.balanceOf(stranger), DEMAND_DEPOSIT + held / 5);
        vm.assertEq(token.balanceOf(protocolPayee), 0);
        BatchRecord memory voided = batch.record;
        (voided.status, voided.reserve) = (BatchStatus.Voided, 0);
        vm.assertTrue(ledger.batchStatus(batch.batchId, voided) == BatchStatus.Voided);
        // The other demand has lost its object: its deposit goes back, and it can't be answered any more.
        postBlobs(1, 1, clock());
        bytes32 now_ = ledger.batchHash(batch.batchId);
        answer(1, 0, abi.encodeWithSelector(IChallenges.ChallengeCommitmentMismatch.selector, now_, recordHash));
        demands.reclaim(batch.batchId, recordHash, 1);
        vm.assertEq(token.balanceOf(other), DEMAND_DEPOSIT);
        vm.assertEq(token.balanceOf(address(demands)), 0);
        bytes memory reason = notOpen(1, DemandStatus.Returned);
        vm.expectRevert(reason);
        demands.reclaim(batch.batchId, recordHash, 1);
    }

    function test_a_hole_of_withheld_blobs_is_filled_with_posted_ones_only() external {
        demand(0, stranger, "");
        skip(2 days + 1);
        voidWithheld(0, "");
        (batch.record.status, batch.record.reserve) = (BatchStatus.Voided, 0);
        uint256[] memory payers = new uint256[](1);
        ledger.refund(
            batch.batchId, batch.record, batch.header, batch.versionedHashes, batch.charges, payers
        );
        skip(1);
        bytes32 postHash = keccak256(abi.encodePacked(batch.versionedHashes));
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerBlobsNotAttested.selector, postHash));
        refill();
        attest(batch.versionedHashes, clock());
        refill();
        (uint40 first, uint40 from) = (batch.record.firstCommittedAt, batch.record.termsFrom);
        batch.record = recordOf(batch.header, batch.versionedHashes, batch.charges);
        (batch.record.firstCommittedAt, batch.record.termsFrom) = (first, from);
        vm.assertEq(ledger.batchHash(batch.batchId), keccak256(abi.encode(batch.record)));
        demand(0, stranger, abi.encodeWithSelector(IBlobDemands.DemandBatchAttested.selector, batch.batchId));
    }

    function refill() private {
        vm.prank(operator);
        ledger.recommitBatch(
            batch.batchId, batch.record, batch.header, batch.versionedHashes, batch.charges
        );
    }

    /* RACES AND NONSENSE */

    function test_a_blob_is_demanded_once_inside_the_window_and_only_if_there_is_one() external {
        demand(2, stranger, abi.encodeWithSelector(IChallenges.ChallengeOutOfRange.selector, 2, 2));
        demand(0, stranger, "");
        bytes memory before = abi.encodeWithSelector(IBlobDemands.DemandMadeBefore.selector, batch.batchId, 0);
        demand(0, other, before);
        postBlobs(0, 1, clock());
        answer(0, 0, "");
        demand(0, other, before);
        uint40 until = batch.record.committedAt + 7 days;
        vm.warp(until + 1);
        demand(1, other, abi.encodeWithSelector(IBlobDemands.DemandTooLate.selector, until));
        vm.assertEq(demands.demandOf(batch.batchId, recordHash, 0).demander, stranger);
    }

    function test_only_a_recent_post_of_that_blob_answers() external {
        demand(0, stranger, "");
        postBlobs(1, 1, clock());
        answer(
            0,
            0,
            abi.encodeWithSelector(
                IBlobDemands.DemandOtherBlob.selector, batch.versionedHashes[0], batch.versionedHashes[1]
            )
        );
        answer(0, 1, abi.encodeWithSelector(IChallenges.ChallengeOutOfRange.selector, 1, 1));
        uint40 old = clock() - 2 days - 1;
        postBlobs(0, 1, old);
        bytes32 postHash = keccak256(abi.encodePacked(post));
        answer(0, 0, abi.encodeWithSelector(IBlobDemands.DemandNotPosted.selector, postHash, old));
        postBlobs(0, 1, old + 1);
        answer(0, 0, "");
        answer(0, 0, notOpen(0, DemandStatus.Answered));
        skip(3 days);
        voidWithheld(0, notOpen(0, DemandStatus.Answered));
    }

    function test_a_deposit_is_not_taken_back_while_the_batch_stands() external {
        demand(0, stranger, "");
        bytes memory reason = abi.encodeWithSelector(IBlobDemands.DemandBatchStands.selector, batch.batchId);
        vm.expectRevert(reason);
        demands.reclaim(batch.batchId, recordHash, 0);
        reason = notOpen(1, DemandStatus.None);
        voidWithheld(1, reason);
        // Nor by naming another batch, or another record.
        vm.expectRevert(
            abi.encodeWithSelector(IBlobDemands.DemandNotOpen.selector, 99, 0, DemandStatus.None)
        );
        demands.reclaim(99, recordHash, 0);
        vm.expectRevert(notOpen(0, DemandStatus.None));
        demands.reclaim(batch.batchId, bytes32("another"), 0);
    }

    function test_a_batch_voided_for_another_fault_gives_deposits_back() external {
        demand(0, stranger, "");
        vm.prank(address(formatChallenges));
        ledger.voidBatch(batch.batchId, batch.record, 1, other, "fault");
        demands.reclaim(batch.batchId, recordHash, 0);
        vm.assertEq(token.balanceOf(stranger), DEMAND_DEPOSIT);
        // What was voided is demanded no more.
        bytes32 now_ = ledger.batchHash(batch.batchId);
        demand(
            1, stranger, abi.encodeWithSelector(IChallenges.ChallengeCommitmentMismatch.selector, now_, recordHash)
        );
    }

    function test_a_deployment_needs_a_token_and_a_deposit() external {
        vm.expectRevert(IBlobDemands.DemandDepositZero.selector);
        new BlobDemands(ledger, registry, operators, token, 0);
    }
}
