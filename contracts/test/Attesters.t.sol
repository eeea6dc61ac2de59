// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Distribution, IRoyaltyDistributor} from "../interfaces/IRoyaltyDistributor.sol";
import {RoyaltyDistributor} from "../src/RoyaltyDistributor.sol";
import {World} from "./World.sol";

/// @notice Whose word counts, for what, and until when.
contract AttestersTest is World {
    uint256 private constant INCOMING = 0x1111;

    function fresh() private view returns (Distribution memory) {
        return distribution(keccak256("root"), 100);
    }

    function refused(Distribution memory d, bytes[] memory signatures) private {
        uint64 index = distributor.nextRootIndex();
        (bool success,) = address(distributor).call(abi.encodeCall(distributor.submitRoot, (d, signatures)));
        vm.assertFalse(success);
        vm.assertEq(distributor.nextRootIndex(), index);
    }

    /// Signatures by these two, in the order of their addresses.
    function signedBy(Distribution memory d, uint256 one, uint256 two) private view returns (bytes[] memory list) {
        bytes32 digest = distributor.distributionDigest(d);
        list = new bytes[](2);
        bool inOrder = vm.addr(one) < vm.addr(two);
        list[0] = signature(inOrder ? one : two, digest);
        list[1] = signature(inOrder ? two : one, digest);
    }

    function replaceFirst() private returns (uint40 effective) {
        vm.prank(governor);
        distributor.replaceAttester(vm.addr(attesterKeys[0]), vm.addr(INCOMING));
        return clock() + 14 days;
    }

    function veto(address attester, uint64 index) private returns (bool success) {
        vm.prank(attester);
        (success,) = address(distributor).call(abi.encodeCall(distributor.disableRoot, (index)));
    }

    /* WHAT IS SIGNED */

    function testFuzz_a_quorum_signs_every_field(uint256 field, uint256 change) external {
        fund(1000);
        Distribution memory d = fresh();
        bytes[] memory signatures = quorumFor(d);
        change = 1 + change % 1000;
        field %= 5;
        if (field == 0) d.root = bytes32(uint256(d.root) ^ change);
        else if (field == 1) d.totalCumulative = (d.totalCumulative + change) % 1001;
        else if (field == 2) d.throughL2Block -= uint64(change % 900 + 1);
        else if (field == 3) d.throughL2BlockHash = bytes32(uint256(d.throughL2BlockHash) ^ change);
        else d.dataHash = bytes32(uint256(d.dataHash) ^ change);
        refused(d, signatures);
    }

    function test_a_quorum_holds_for_one_distributor_on_one_chain() external {
        fund(1000);
        Distribution memory d = fresh();
        RoyaltyDistributor elsewhere = new RoyaltyDistributor(token, address(ledger), governor, attesters(), QUORUM);
        bytes32 digest = elsewhere.distributionDigest(d);
        bytes[] memory signatures = new bytes[](2);
        (signatures[0], signatures[1]) = (signature(attesterKeys[0], digest), signature(attesterKeys[1], digest));
        refused(d, signatures);

        signatures = quorumFor(d);
        vm.chainId(4242);
        refused(d, signatures);
        vm.chainId(31337);
        distributor.submitRoot(d, signatures);
    }

    /* WHO SIGNS, UNTIL WHEN */

    function test_one_that_left_signs_no_more_and_its_successor_does() external {
        fund(1000);
        uint40 effective = replaceFirst();
        vm.warp(effective - 1);
        refused(fresh(), signedBy(fresh(), INCOMING, attesterKeys[1]));
        distributor.submitRoot(fresh(), signedBy(fresh(), attesterKeys[0], attesterKeys[1]));
        vm.warp(effective);
        refused(fresh(), signedBy(fresh(), attesterKeys[0], attesterKeys[1]));
        distributor.submitRoot(fresh(), signedBy(fresh(), INCOMING, attesterKeys[1]));
    }

    function test_one_that_left_vetoes_no_more_and_its_successor_does() external {
        fund(1000);
        uint40 effective = replaceFirst();
        vm.warp(effective - 1);
        distributor.submitRoot(fresh(), quorumFor(fresh()));
        vm.assertFalse(veto(vm.addr(INCOMING), 1));
        vm.assertTrue(veto(vm.addr(attesterKeys[0]), 1));
        distributor.submitRoot(fresh(), quorumFor(fresh()));
        vm.warp(effective);
        vm.assertFalse(veto(vm.addr(attesterKeys[0]), 2));
        vm.assertFalse(veto(governor, 2));
        vm.assertTrue(veto(vm.addr(INCOMING), 2));
    }

    /// One veto is enough, whichever attester's it is, until the very second in which the root becomes active.
    function testFuzz_any_single_attester_vetoes_until_activation(uint256 who, uint256 wait) external {
        fund(1000);
        distributor.submitRoot(fresh(), quorumFor(fresh()));
        wait %= 2 days;
        skip(wait);
        vm.assertTrue(veto(vm.addr(attesterKeys[who % 3]), 1) == (wait < 1 days));
        vm.assertTrue(distributor.root(1).disabled == (wait < 1 days));
    }

    function test_an_office_without_a_governor_replaces_nobody() external {
        vm.startPrank(governor);
        distributor.renounceOwnership();
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", governor));
        distributor.replaceAttester(vm.addr(attesterKeys[0]), vm.addr(INCOMING));
        vm.stopPrank();
    }

    function test_the_office_is_handed_on_in_two_steps() external {
        vm.prank(governor);
        distributor.transferOwnership(stranger);
        vm.assertEq(distributor.owner(), governor);
        vm.prank(stranger);
        distributor.acceptOwnership();
        vm.prank(stranger);
        distributor.replaceAttester(vm.addr(attesterKeys[0]), vm.addr(INCOMING));
    }

    function test_unknown_roots_have_no_record() external {
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorRootUnknown.selector, uint64(7))
        );
        distributor.root(7);
    }
}
