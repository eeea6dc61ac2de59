// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IBlobInbox} from "../interfaces/IBlobInbox.sol";
import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {ICrossDomainMessenger} from "../interfaces/optimism/ICrossDomainMessenger.sol";
import {IOptimismPortal} from "../interfaces/optimism/IOptimismPortal.sol";
import {BlobInbox} from "../src/BlobInbox.sol";
import {Vm} from "./Vm.sol";

contract BlobInboxTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address private constant LEDGER = address(0x1ED6E2);
    IOptimismPortal private constant PORTAL = IOptimismPortal(address(0x7042741));
    ICrossDomainMessenger private constant MESSENGER = ICrossDomainMessenger(address(0x3E55E));
    BlobInbox private inbox;

    function setUp() external {
        vm.warp(1_800_000_000);
        vm.etch(address(PORTAL), hex"00");
        vm.etch(address(MESSENGER), hex"00");
        inbox = new BlobInbox(LEDGER, PORTAL, ICrossDomainMessenger(address(0)));
    }

    function carry(uint256 count) private returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            hashes[i] = bytes32(uint256(1) << 248 | uint256(keccak256(abi.encode(i))) >> 8);
        }
        vm.blobhashes(hashes);
    }

    function expectDeposit(bytes32[] memory posts, uint40[] memory times) private {
        bytes memory message = abi.encodeCall(IReceiptLedger.attest, (posts, times));
        vm.expectCall(
            address(PORTAL),
            abi.encodeCall(
                IOptimismPortal.depositTransaction,
                (LEDGER, 0, 40_000 + 30_000 * uint64(posts.length), false, message)
            )
        );
    }

    function one(bytes32 post) private view returns (bytes32[] memory posts, uint40[] memory times) {
        posts = new bytes32[](1);
        times = new uint40[](1);
        (posts[0], times[0]) = (post, uint40(vm.getBlockTimestamp()));
    }

    function testFuzz_a_post_is_all_blobs_of_its_transaction(uint8 count) external {
        bytes32[] memory hashes = carry(1 + count % 9);
        bytes32 post = keccak256(abi.encodePacked(hashes));
        (bytes32[] memory posts, uint40[] memory times) = one(post);
        expectDeposit(posts, times);
        vm.expectEmit(address(inbox));
        emit IBlobInbox.BlobsPosted(post, address(this), times[0], hashes);
        vm.assertEq(inbox.postBlobs(), post);
        vm.assertEq(inbox.queuedAt(post), 0);
    }

    function test_a_transaction_without_blobs_is_refused() external {
        vm.expectRevert(IBlobInbox.InboxNoBlobs.selector);
        inbox.postBlobs();
        vm.expectRevert(IBlobInbox.InboxNoBlobs.selector);
        inbox.queueBlobs();
    }

    function test_queued_posts_share_a_deposit_each_with_its_own_time() external {
        bytes32[] memory posts = new bytes32[](2);
        uint40[] memory times = new uint40[](2);
        carry(1);
        (posts[0], times[0]) = (inbox.queueBlobs(), uint40(vm.getBlockTimestamp()));
        vm.warp(vm.getBlockTimestamp() + 500);
        carry(3);
        (posts[1], times[1]) = (inbox.queueBlobs(), uint40(vm.getBlockTimestamp()));
        vm.assertEq(inbox.queuedAt(posts[0]), times[0]);
        vm.warp(vm.getBlockTimestamp() + 500);
        expectDeposit(posts, times);
        vm.expectEmit(address(inbox));
        emit IBlobInbox.BlobsRelayed(posts, times);
        inbox.relay(posts);
        // A deposit that was lost can be made again.
        expectDeposit(posts, times);
        inbox.relay(posts);
    }

    function test_only_queued_posts_are_relayed_and_not_too_many() external {
        vm.expectRevert(IBlobInbox.InboxNothingToRelay.selector);
        inbox.relay(new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(IBlobInbox.InboxTooManyPosts.selector, 65, 64));
        inbox.relay(new bytes32[](65));
        carry(1);
        bytes32 direct = inbox.postBlobs();
        (bytes32[] memory posts,) = one(direct);
        vm.expectRevert(abi.encodeWithSelector(IBlobInbox.InboxPostUnknown.selector, direct));
        inbox.relay(posts);
    }

    function test_the_messenger_carries_the_same_message() external {
        inbox = new BlobInbox(LEDGER, IOptimismPortal(address(0)), MESSENGER);
        bytes32 post = keccak256(abi.encodePacked(carry(2)));
        (bytes32[] memory posts, uint40[] memory times) = one(post);
        vm.expectCall(
            address(MESSENGER),
            abi.encodeCall(
                ICrossDomainMessenger.sendMessage,
                (LEDGER, abi.encodeCall(IReceiptLedger.attest, (posts, times)), 70_000)
            )
        );
        inbox.postBlobs();
    }

    function test_a_deployment_takes_exactly_one_way_to_l2() external {
        vm.expectRevert(IBlobInbox.InboxAddressZero.selector);
        new BlobInbox(address(0), PORTAL, ICrossDomainMessenger(address(0)));
        vm.expectRevert(IBlobInbox.InboxAddressZero.selector);
        new BlobInbox(LEDGER, IOptimismPortal(address(0)), ICrossDomainMessenger(address(0)));
        vm.expectRevert(IBlobInbox.InboxAddressZero.selector);
        new BlobInbox(LEDGER, PORTAL, MESSENGER);
    }
}
