// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {BatchRecord, BatchStatus, Charge} from "../interfaces/BatchTypes.sol";
import {IOperators} from "../interfaces/IOperators.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {ICrossDomainMessenger} from "../interfaces/optimism/ICrossDomainMessenger.sol";
import {LedgerModel} from "./LedgerModel.sol";

/// @notice What the ledger believes about blobs, and what it takes as a batch.
contract ReceiptLedgerCommitTest is LedgerModel {
    /* ATTESTATIONS */

    function test_only_the_aliased_inbox_attests_on_the_portal_path() external {
        bytes32[] memory posts = new bytes32[](1);
        uint40[] memory times = new uint40[](1);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerNotInbox.selector, inbox));
        vm.prank(inbox);
        ledger.attest(posts, times);
    }

    function test_the_newest_time_of_a_post_is_kept_whatever_the_order() external {
        bytes32 post = keccak256(abi.encodePacked(hashes));
        vm.expectEmit(address(ledger));
        emit IReceiptLedger.BlobsAttested(post, 500);
        attest(hashes, 500);
        attest(hashes, 400);
        vm.assertEq(ledger.attestedAt(post), 500);
        attest(hashes, 500);
        attest(hashes, 600);
        vm.assertEq(ledger.attestedAt(post), 600);
    }

    function test_several_posts_come_in_one_message_each_with_its_time() external {
        bytes32[] memory posts = new bytes32[](2);
        uint40[] memory times = new uint40[](2);
        (posts[0], posts[1], times[0], times[1]) = (bytes32("a"), bytes32("b"), 5, 7);
        address inboxAlias = address(uint160(inbox) + ALIAS_OFFSET);
        vm.prank(inboxAlias);
        ledger.attest(posts, times);
        vm.assertEq(ledger.attestedAt("a"), 5);
        vm.assertEq(ledger.attestedAt("b"), 7);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerLengthMismatch.selector, 2, 1));
        vm.prank(inboxAlias);
        ledger.attest(posts, new uint40[](1));
    }

    function test_the_messenger_path_checks_messenger_and_sender() external {
        address messenger = address(0x4200000000000000000000000000000000000007);
        deploy(IERC20Metadata(address(token)), messenger);
        vm.etch(messenger, hex"00");
        bytes memory who = abi.encodeCall(ICrossDomainMessenger.xDomainMessageSender, ());
        bytes32[] memory posts = new bytes32[](1);
        uint40[] memory times = new uint40[](1);
        (posts[0], times[0]) = ("a", 5);

        // The messenger belongs to OP chains, which this one is not; what counts is whose message it says it delivers.
        vm.mockCall(messenger, who, abi.encode(stranger));
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerNotInbox.selector, messenger));
        vm.prank(messenger);
        ledger.attest(posts, times);

        vm.mockCall(messenger, who, abi.encode(inbox));
        address inboxAlias = address(uint160(inbox) + ALIAS_OFFSET);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerNotInbox.selector, inboxAlias));
        vm.prank(inboxAlias);
        ledger.attest(posts, times);

        vm.prank(messenger);
        ledger.attest(posts, times);
        vm.assertEq(ledger.attestedAt("a"), 5);
    }

    /* COMMIT */

    function test_a_commit_takes_money_bond_and_sequence() external {
        attestNow();
        BatchRecord memory record = recordOf(h, hashes, charges);
        vm.expectEmit(address(ledger));
        emit IReceiptLedger.BatchCommitted(
            1, operator, 0, record.batchCommitment, record.reserve, clock(), clock() - 1 days, clock(), h, hashes, charges
        );
        commitExpecting("");
        vm.assertEq(ledger.batchCount(), 1);
        vm.assertEq(ledger.nextSeq(operator, 0), 3);
        vm.assertEq(ledger.nextSeq(operator, 1), 0);
        vm.assertEq(ledger.batchHash(1), keccak256(abi.encode(record)));
        vm.assertTrue(ledger.batchStatus(1, record) == BatchStatus.Open);
        vm.assertEq(operators.bond(operator).reserved, record.reserve);
        vm.assertEq(escrow.account(payer, operator).collected, 100);
    }

    function test_only_the_operator_itself_commits() external {
        attestNow();
        vm.expectRevert(
            abi.encodeWithSelector(IReceiptLedger.LedgerNotOperator.selector, stranger, operator)
        );
        vm.prank(stranger);
        ledger.commitBatch(h, hashes, charges);
    }

    function test_a_batch_starts_where_the_lane_stands() external {
        attestNow();
        h.firstSeq = 1;
        commitExpecting(
            abi.encodeWithSelector(IReceiptLedger.LedgerWrongSeq.selector, uint64(1), uint64(0))
        );
        h.firstSeq = 0;
        commitExpecting("");
        commitExpecting(
            abi.encodeWithSelector(IReceiptLedger.LedgerWrongSeq.selector, uint64(0), uint64(3))
        );
        h.lane = 9;
        commitExpecting("");
        vm.assertEq(ledger.nextSeq(operator, 9), 3);
    }

    function test_a_batch_needs_receipts_and_payers() external {
        attestNow();
        h.count = 0;
        commitExpecting(abi.encodeWithSelector(IReceiptLedger.LedgerNoReceipts.selector));
        h.count = 3;
        bytes4 wrong = IReceiptLedger.LedgerPayerCount.selector;
        h.payerCount = 0;
        commitExpecting(abi.encodeWithSelector(wrong, 0, 1, 3));
        h.payerCount = 2;
        commitExpecting(abi.encodeWithSelector(wrong, 2, 1, 3));
        h.payerCount = 4;
        commitExpecting(abi.encodeWithSelector(wrong, 4, 1, 3));
        h.count = 2000;
        h.payerCount = 1025;
        commitExpecting(abi.encodeWithSelector(wrong, 1025, 1, 1024));
    }

    function test_blobs_are_one_to_six_and_as_many_as_hashes() external {
        attestNow();
        bytes4 wrong = IReceiptLedger.LedgerBlobCount.selector;
        h.blobCount = 0;
        commitExpecting(abi.encodeWithSelector(wrong, 0, 1, 6));
        h.blobCount = 2;
        commitExpecting(abi.encodeWithSelector(wrong, 2, 1, 6));
        h.blobCount = 7;
        commitExpecting(abi.encodeWithSelector(wrong, 7, 1, 6));
    }

    function test_the_layout_fills_its_blobs_and_no_more() external {
        attestNow();
        bytes4 wrong = IReceiptLedger.LedgerLayout.selector;
        h.setFeCount = 4096 - 9 + 1;
        commitExpecting(abi.encodeWithSelector(wrong, 4097, 1));
        hashes = hashesFor(2, 2);
        h.blobCount = 2;
        attestNow();
        h.setFeCount = 4096 - 9;
        commitExpecting(abi.encodeWithSelector(wrong, 4096, 2));
        h.setFeCount = 4096 - 9 + 1;
        commitExpecting("");
    }

    function test_every_hash_has_the_version_byte() external {
        hashes[0] = bytes32(uint256(2) << 248);
        attestNow();
        commitExpecting(abi.encodeWithSelector(IReceiptLedger.LedgerVersionByte.selector, 0, hashes[0]));
    }

    function test_blobs_must_be_attested_together_and_young() external {
        bytes32 post = keccak256(abi.encodePacked(hashes));
        commitExpecting(abi.encodeWithSelector(IReceiptLedger.LedgerBlobsNotAttested.selector, post));
        uint40 then = clock();
        attestNow();
        vm.warp(then + 2 days + 1);
        commitExpecting(abi.encodeWithSelector(IReceiptLedger.LedgerBlobsTooOld.selector, post, then));
        vm.warp(then + 2 days);
        commitExpecting("");
    }

    function test_charges_sum_to_the_total() external {
        attestNow();
        h.totalFee = 101;
        commitExpecting(
            abi.encodeWithSelector(IReceiptLedger.LedgerTotalFee.selector, uint128(101), uint64(100))
        );
        h.totalFee = uint128(1 << 64) + 100;
        commitExpecting(
            abi.encodeWithSelector(
                IReceiptLedger.LedgerTotalFee.selector, uint128(1 << 64) + 100, uint64(100)
            )
        );
    }

    function test_a_commit_without_free_bond_reverts() external {
        vm.prank(operator);
        operators.requestWithdrawal(1_950e6);
        attestNow();
        commitExpecting(
            abi.encodeWithSelector(
                IOperators.OperatorsBondTooSmall.selector, operator, uint64(50e6), uint64(100e6 + 50)
            )
        );
    }

    function testFuzz_batches_of_any_shape_commit(uint16 count, uint8 payers, uint16 sets, uint64 seed) external {
        uint256 n = 1 + uint256(count) % 12_000;
        uint256 p = 1 + uint256(payers) % (n < 60 ? n : 60);
        uint256 used = 2 + 2 * n + p;
        uint256 s = sets % (6 * 4096 - used + 1);
        delete charges;
        uint64 total = 0;
        for (uint160 i = 0; i < p; ++i) {
            charges.push(Charge(address(0x1000 + i), uint64(i)));
            total += uint64(i);
        }
        deposit(operator, total + 1);
        h = headerFor(charges, uint24(n));
        h.setFeCount = uint24(s);
        h.blobCount = uint8((used + s + 4095) / 4096);
        hashes = hashesFor(h.blobCount, seed);
        attestNow();
        BatchRecord memory record = recordOf(h, hashes, charges);
        commitExpecting("");
        vm.assertTrue(ledger.batchStatus(1, record) == BatchStatus.Open);
    }
}
