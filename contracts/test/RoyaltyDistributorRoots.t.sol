// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Claim, Distribution, IRoyaltyDistributor, Root} from "../interfaces/IRoyaltyDistributor.sol";
import {RootModel} from "./RootModel.sol";

/// @notice How a root is submitted, and how one attester stops it.
contract RoyaltyDistributorRootsTest is RootModel {
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    /// The code that EIP-2935 prescribes there.
    bytes private constant HISTORY_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff8143031160"
        hex"4257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";

    /* SUBMISSION */

    function test_a_quorum_submits_and_everyone_is_told() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        address[] memory signers = new address[](2);
        (signers[0], signers[1]) = (vm.addr(attesterKeys[0]), vm.addr(attesterKeys[1]));
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.RootSubmitted(
            1, d.root, 100, d.throughL2Block, d.throughL2BlockHash, d.dataHash, clock() + 1 days, signers
        );
        distributor.submitRoot(d, quorumFor(d));
        Root memory root = distributor.root(1);
        vm.assertEq(root.root, d.root);
        vm.assertEq(root.totalCumulative, 100);
        vm.assertEq(root.throughL2Block, d.throughL2Block);
        vm.assertEq(root.activatesAt, clock() + 1 days);
        vm.assertFalse(root.disabled);
        vm.assertEq(distributor.nextRootIndex(), 2);
    }

    function test_a_quorum_is_of_different_attesters_in_order() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        bytes32 digest = distributor.distributionDigest(d);
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = signature(attesterKeys[0], digest);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyDistributor.DistributorQuorum.selector, 1, 2));
        distributor.submitRoot(d, signatures);

        address first = vm.addr(attesterKeys[0]);
        address second = vm.addr(attesterKeys[1]);
        signatures = new bytes[](2);
        signatures[0] = signature(attesterKeys[0], digest);
        signatures[1] = signatures[0];
        bytes4 order = IRoyaltyDistributor.DistributorSignersNotAscending.selector;
        vm.expectRevert(abi.encodeWithSelector(order, first, first));
        distributor.submitRoot(d, signatures);
        signatures[0] = signature(attesterKeys[1], digest);
        vm.expectRevert(abi.encodeWithSelector(order, second, first));
        distributor.submitRoot(d, signatures);

        uint256 foreign = 0xBAD;
        if (vm.addr(foreign) > first) {
            signatures[0] = signature(attesterKeys[0], digest);
            signatures[1] = signature(foreign, digest);
        } else {
            signatures[0] = signature(foreign, digest);
            signatures[1] = signature(attesterKeys[0], digest);
        }
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotAttester.selector, vm.addr(foreign))
        );
        distributor.submitRoot(d, signatures);
    }

    function test_more_than_a_quorum_may_sign() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        bytes32 digest = distributor.distributionDigest(d);
        bytes[] memory signatures = new bytes[](3);
        for (uint256 i = 0; i < 3; ++i) {
            signatures[i] = signature(attesterKeys[i], digest);
        }
        distributor.submitRoot(d, signatures);
    }

    function test_indices_follow_each_other() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        d.rootIndex = 2;
        refuses(
            d,
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootIndex.selector, uint64(2), uint64(1))
        );
    }

    function test_a_root_is_not_zero() external {
        refuses(distribution(0, 0), abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootZero.selector));
    }

    function test_a_root_promises_no_more_than_batches_paid_in() external {
        fund(100);
        mint(address(distributor), 50);
        refuses(
            distribution(pair(60, 41), 101),
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorTotalNotFunded.selector, 101, 100)
        );
    }

    function test_totals_and_blocks_never_fall() external {
        fund(200);
        submitPair(60, 40);
        refusesFall();
        Distribution memory d = distribution(pair(60, 40), 100);
        d.throughL2Block -= 1;
        refuses(
            d,
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorBlockFell.selector, d.throughL2Block, d.throughL2Block + 1
            )
        );
        submitPair(60, 40);
    }

    /// A root after one of 100 that promises 99.
    function refusesFall() private {
        refuses(
            distribution(pair(60, 39), 99),
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorTotalFell.selector, 99, 100)
        );
    }

    function test_a_disabled_root_binds_nobody() external {
        fund(200);
        submitPair(60, 40);
        submitPair(100, 100);
        submitPair(100, 100);
        vm.startPrank(vm.addr(attesterKeys[2]));
        distributor.disableRoot(2);
        distributor.disableRoot(3);
        vm.stopPrank();
        refusesFall();
        vm.assertEq(submitPair(60, 41), 4);
    }

    function test_if_all_were_disabled_any_total_may_follow() external {
        fund(200);
        submitPair(100, 100);
        vm.prank(vm.addr(attesterKeys[2]));
        distributor.disableRoot(1);
        vm.assertEq(submitPair(1, 0), 2);
    }

    /* BLOCK HASHES */

    function test_the_block_is_past() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        d.throughL2Block = uint64(vm.getBlockNumber());
        refuses(
            d,
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorBlockNotPast.selector, d.throughL2Block, vm.getBlockNumber()
            )
        );
    }

    function test_a_wrong_hash_of_a_recent_block_is_refused() external {
        fund(100);
        vm.setBlockhash(vm.getBlockNumber() - 5, keccak256("right"));
        Distribution memory d = distribution(pair(60, 40), 100);
        d.throughL2Block = uint64(vm.getBlockNumber() - 5);
        refusesWrongHash(d);
        d.throughL2BlockHash = keccak256("right");
        distributor.submitRoot(d, quorumFor(d));
    }

    function test_an_older_block_is_checked_by_the_history_contract_where_there_is_one() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        d.throughL2Block = uint64(vm.getBlockNumber() - 900);
        vm.etch(HISTORY, HISTORY_CODE);
        chainNotes(d.throughL2Block, keccak256("right"));
        refusesWrongHash(d);
        vm.roll(d.throughL2Block + 8191);
        refusesWrongHash(d);
        // One block more, and the contract has forgotten it: it reverts.
        vm.roll(d.throughL2Block + 8192);
        distributor.submitRoot(d, quorumFor(d));
        // A block that it was never told of is zero there.
        (d.rootIndex, d.throughL2Block) = (2, d.throughL2Block + 1);
        distributor.submitRoot(d, quorumFor(d));
        vm.etch(HISTORY, "");
        d.rootIndex = 3;
        distributor.submitRoot(d, quorumFor(d));
    }

    /// Where the chain knows a block's hash to be `right`, a root with another is refused.
    function refusesWrongHash(Distribution memory d) private {
        d.throughL2BlockHash = keccak256("wrong");
        refuses(
            d,
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorBlockHash.selector,
                d.throughL2Block,
                keccak256("wrong"),
                keccak256("right")
            )
        );
    }

    /// Tells the history contract a block's hash, as a chain does at the start of the next block.
    function chainNotes(uint64 number, bytes32 hash) private {
        uint256 current = vm.getBlockNumber();
        vm.roll(number + 1);
        vm.prank(0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE);
        (bool told,) = HISTORY.call(abi.encode(hash));
        vm.assertTrue(told);
        vm.roll(current);
    }

    /* VETO */

    function test_one_attester_disables_a_root_before_it_is_active() external {
        fund(100);
        submitPair(60, 40);
        address attester = vm.addr(attesterKeys[1]);
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.RootDisabled(1, attester);
        vm.prank(attester);
        distributor.disableRoot(1);
        skip(1 days);
        bytes memory disabled =
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootDisabled.selector, uint64(1));
        vm.expectRevert(disabled);
        distributor.claim(1, A, 60, proof(leaf(B, 40)));
        vm.expectRevert(disabled);
        distributor.claimMany(1, new Claim[](0));
        vm.expectRevert(disabled);
        vm.prank(attester);
        distributor.disableRoot(1);
    }

    function test_a_disabled_root_cannot_be_replayed() external {
        fund(100);
        Distribution memory d = distribution(pair(60, 40), 100);
        bytes[] memory signatures = quorumFor(d);
        distributor.submitRoot(d, signatures);
        vm.prank(vm.addr(attesterKeys[0]));
        distributor.disableRoot(1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IRoyaltyDistributor.DistributorRootIndex.selector, uint64(1), uint64(2)
            )
        );
        distributor.submitRoot(d, signatures);
        d.rootIndex = 2;
        vm.expectRevert();
        distributor.submitRoot(d, signatures);
    }

    function test_an_active_root_stands() external {
        fund(100);
        submitPair(60, 40);
        uint40 active = clock() + 1 days;
        vm.warp(active);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootActive.selector, uint64(1), active)
        );
        vm.prank(vm.addr(attesterKeys[0]));
        distributor.disableRoot(1);
    }

    function test_only_attesters_disable_and_only_roots_that_are_there() external {
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotAttester.selector, governor)
        );
        vm.prank(governor);
        distributor.disableRoot(1);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootUnknown.selector, uint64(1))
        );
        vm.prank(vm.addr(attesterKeys[0]));
        distributor.disableRoot(1);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootUnknown.selector, uint64(1))
        );
        distributor.root(1);
    }
}
