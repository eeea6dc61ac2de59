// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {BatchHeader, BatchRecord, BatchStatus, Charge} from "../interfaces/BatchTypes.sol";
import {IOperators} from "../interfaces/IOperators.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {ICrossDomainMessenger} from "../interfaces/optimism/ICrossDomainMessenger.sol";
import {AttributionRegistry} from "../src/AttributionRegistry.sol";
import {ReceiptLedger} from "../src/ReceiptLedger.sol";
import {World} from "./World.sol";

contract ReceiptLedgerTest is World {
    BatchHeader private h;
    bytes32[] private hashes;
    Charge[] private charges;

    function setUp() public override {
        super.setUp();
        deposit(payer, 1_000);
        deposit(operator, 1_000);
        depositBond(2_000e6);
        authorizeAs(PAYER_KEY, payer, 1_000, inDays(30));
        charges.push(Charge(payer, 100));
        h = headerFor(charges, 3);
        hashes = hashesFor(1, 1);
    }

    function attestNow() private {
        attest(hashes, clock());
    }

    function commitExpecting(bytes memory reason) private {
        if (reason.length != 0) vm.expectRevert(reason);
        vm.prank(operator);
        ledger.commitBatch(h, hashes, charges);
    }

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

    /* FINALISE */

    function committed() private returns (BatchRecord memory record) {
        attestNow();
        record = recordOf(h, hashes, charges);
        commitExpecting("");
    }

    function test_a_batch_is_final_after_its_window() external {
        BatchRecord memory record = committed();
        uint40 ends = clock() + 7 days;
        vm.warp(ends);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerWindowOpen.selector, uint64(1), ends));
        ledger.finalizeBatch(1, record);
        vm.warp(ends + 1);
        vm.expectEmit(address(ledger));
        emit IReceiptLedger.BatchFinalized(1, 100);
        vm.prank(stranger);
        ledger.finalizeBatch(1, record);
        vm.assertEq(token.balanceOf(address(distributor)), 100);
        vm.assertEq(distributor.totalFunded(), 100);
        vm.assertEq(operators.bond(operator).reserved, 0);
        vm.assertEq(ledger.batchHash(1), 0);
        vm.assertTrue(ledger.batchStatus(1, record) == BatchStatus.Finalized);
    }

    function test_a_batch_is_final_only_once() external {
        BatchRecord memory record = committed();
        skip(7 days + 1);
        ledger.finalizeBatch(1, record);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerNoSuchBatch.selector, uint64(1)));
        ledger.finalizeBatch(1, record);
    }

    function test_batches_of_a_lane_become_final_in_any_order() external {
        BatchRecord memory first = committed();
        h.firstSeq = 3;
        attestNow();
        BatchRecord memory second = recordOf(h, hashes, charges);
        commitExpecting("");
        skip(7 days + 1);
        ledger.finalizeBatch(2, second);
        ledger.finalizeBatch(1, first);
        vm.assertEq(distributor.totalFunded(), 200);
    }

    function testFuzz_a_record_with_any_field_changed_is_refused(uint256 field, uint256 change) external {
        BatchRecord memory record = committed();
        skip(7 days + 1);
        bytes memory words = abi.encode(record);
        field %= 12;
        uint256[12] memory limit = [
            uint256(4), 1 << 160, 1 << 16, 1 << 64, 1 << 24, 1 << 64, 1 << 64, 1 << 40, 1 << 40, 1 << 40, 1 << 40,
            type(uint256).max
        ];
        uint256 word;
        assembly {
            word := mload(add(add(words, 32), mul(32, field)))
        }
        change = change % limit[field];
        vm.assume(change != word);
        assembly {
            mstore(add(add(words, 32), mul(32, field)), change)
        }
        BatchRecord memory changed = abi.decode(words, (BatchRecord));
        vm.expectRevert(
            abi.encodeWithSelector(
                IReceiptLedger.LedgerRecordMismatch.selector, uint64(1), ledger.batchHash(1), keccak256(words)
            )
        );
        ledger.finalizeBatch(1, changed);
    }

    function test_a_status_needs_the_present_record() external {
        BatchRecord memory record = committed();
        vm.assertTrue(ledger.batchStatus(0, record) == BatchStatus.None);
        vm.assertTrue(ledger.batchStatus(2, record) == BatchStatus.None);
        bytes32 stored = ledger.batchHash(1);
        record.totalFee = 1;
        bytes memory mismatch = abi.encodeWithSelector(
            IReceiptLedger.LedgerRecordMismatch.selector, uint64(1), stored, keccak256(abi.encode(record))
        );
        vm.expectRevert(mismatch);
        ledger.batchStatus(1, record);
    }

    function test_a_batch_that_was_never_committed_cannot_be_finalized() external {
        BatchRecord memory record = recordOf(h, hashes, charges);
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerNoSuchBatch.selector, uint64(1)));
        ledger.finalizeBatch(1, record);
    }

    /* WIRING */

    /// Makes the four contracts that name a ledger name the next one that is created here.
    function adoptNext() private returns (address next) {
        next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.clearMockedCalls();
        bytes memory which = abi.encodeWithSignature("ledger()");
        vm.mockCall(address(operators), which, abi.encode(next));
        vm.mockCall(address(escrow), which, abi.encode(next));
        vm.mockCall(address(distributor), which, abi.encode(next));
        vm.mockCall(address(formatChallenges), which, abi.encode(next));
        vm.mockCall(address(receiptChallenges), which, abi.encode(next));
        vm.mockCall(address(demands), which, abi.encode(next));
    }

    function refuses(address at, string memory getter, address answer, address expected) private {
        adoptNext();
        vm.mockCall(at, abi.encodeWithSignature(getter), abi.encode(answer));
        ReceiptLedger.Wiring memory w = wiring(address(0));
        if (expected == address(0)) expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerWiring.selector, expected, answer));
        new ReceiptLedger(w);
    }

    function test_a_ledger_refuses_contracts_built_for_another() external {
        refuses(address(operators), "ledger()", address(ledger), address(0));
        refuses(address(escrow), "ledger()", address(ledger), address(0));
        refuses(address(distributor), "ledger()", address(ledger), address(0));
        refuses(address(formatChallenges), "ledger()", address(ledger), address(0));
        refuses(address(formatChallenges), "operators()", stranger, address(operators));
        refuses(address(receiptChallenges), "ledger()", address(ledger), address(0));
        refuses(address(demands), "ledger()", address(ledger), address(0));
        refuses(address(demands), "registry()", stranger, address(registry));
        refuses(address(demands), "token()", stranger, address(token));
        refuses(address(receiptChallenges), "registry()", stranger, address(registry));
        refuses(address(receiptChallenges), "operators()", stranger, address(operators));
        refuses(address(escrow), "distributor()", stranger, address(distributor));
        refuses(address(operators), "token()", stranger, address(token));
        refuses(address(distributor), "token()", stranger, address(token));
        address next = adoptNext();
        vm.assertEq(address(new ReceiptLedger(wiring(address(0)))), next);
    }

    function test_a_ledger_needs_an_inbox_and_a_protocol_payee() external {
        ReceiptLedger.Wiring memory w = wiring(address(0));
        w.inbox = address(0);
        adoptNext();
        vm.expectRevert(IReceiptLedger.LedgerAddressZero.selector);
        new ReceiptLedger(w);
        w = wiring(address(0));
        w.protocolPayee = address(0);
        adoptNext();
        vm.expectRevert(IReceiptLedger.LedgerAddressZero.selector);
        new ReceiptLedger(w);
    }

    function test_protocol_and_royalty_never_exceed_a_fee() external {
        adoptNext();
        ReceiptLedger.Wiring memory w = wiring(address(0));
        w.registry = new AttributionRegistry(1_000_000 - PROTOCOL_PPM + 1);
        adoptNext();
        vm.mockCall(address(formatChallenges), abi.encodeWithSignature("registry()"), abi.encode(w.registry));
        vm.mockCall(address(receiptChallenges), abi.encodeWithSignature("registry()"), abi.encode(w.registry));
        vm.mockCall(address(demands), abi.encodeWithSignature("registry()"), abi.encode(w.registry));
        vm.expectRevert(abi.encodeWithSelector(IReceiptLedger.LedgerProtocolPpm.selector, PROTOCOL_PPM));
        new ReceiptLedger(w);
    }
}
