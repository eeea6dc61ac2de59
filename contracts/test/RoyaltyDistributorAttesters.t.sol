// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRoyaltyDistributor} from "../interfaces/IRoyaltyDistributor.sol";
import {RoyaltyDistributor} from "../src/RoyaltyDistributor.sol";
import {RootModel} from "./RootModel.sol";

/// @notice Who pays in, and who may sign.
contract RoyaltyDistributorAttestersTest is RootModel {
    /* FUNDING */

    function test_only_the_ledger_funds() external {
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotLedger.selector, address(this))
        );
        distributor.fund(1, 1);
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.Funded(7, 100, 100);
        vm.prank(address(ledger));
        distributor.fund(7, 100);
        vm.assertEq(distributor.totalFunded(), 100);
    }

    /* ATTESTERS */

    function test_the_governor_replaces_an_attester_with_notice() external {
        address outgoing = vm.addr(attesterKeys[0]);
        address incoming = vm.addr(0x1111);
        uint40 effective = clock() + 14 days;
        vm.expectEmit(address(distributor));
        emit IRoyaltyDistributor.AttesterReplaced(outgoing, incoming, effective);
        vm.prank(governor);
        distributor.replaceAttester(outgoing, incoming);
        vm.warp(effective - 1);
        vm.assertTrue(distributor.isAttester(outgoing));
        vm.assertFalse(distributor.isAttester(incoming));
        vm.warp(effective);
        vm.assertFalse(distributor.isAttester(outgoing));
        vm.assertTrue(distributor.isAttester(incoming));
    }

    function test_a_replacement_that_is_still_to_come_can_be_replaced() external {
        vm.startPrank(governor);
        address first = vm.addr(attesterKeys[0]);
        distributor.replaceAttester(first, address(0x51));
        skip(1 days);
        distributor.replaceAttester(address(0x51), address(0x52));
        vm.stopPrank();
        skip(13 days);
        // The seat's first replacement serves for the day between the two.
        vm.assertTrue(distributor.isAttester(address(0x51)));
        skip(1 days);
        vm.assertFalse(distributor.isAttester(address(0x51)));
        vm.assertTrue(distributor.isAttester(address(0x52)));
    }

    function test_replacements_are_new_and_replace_someone_who_stays() external {
        address first = vm.addr(attesterKeys[0]);
        address second = vm.addr(attesterKeys[1]);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", stranger));
        vm.prank(stranger);
        distributor.replaceAttester(first, stranger);
        vm.startPrank(governor);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotAttester.selector, stranger)
        );
        distributor.replaceAttester(stranger, address(0x51));
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorAttesterUsedBefore.selector, second)
        );
        distributor.replaceAttester(first, second);
        vm.expectRevert(IRoyaltyDistributor.DistributorAddressZero.selector);
        distributor.replaceAttester(first, address(0));
        distributor.replaceAttester(first, address(0x51));
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorNotAttester.selector, first)
        );
        distributor.replaceAttester(first, address(0x52));
        vm.stopPrank();
    }

    function test_a_deployment_needs_a_quorum_of_different_attesters() external {
        address[] memory none = new address[](0);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyDistributor.DistributorQuorum.selector, 0, 1));
        new RoyaltyDistributor(token, address(1), governor, none, 1);
        address[] memory two = new address[](2);
        (two[0], two[1]) = (A, A);
        vm.expectRevert(abi.encodeWithSelector(IRoyaltyDistributor.DistributorQuorum.selector, 2, 0));
        new RoyaltyDistributor(token, address(1), governor, two, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IRoyaltyDistributor.DistributorAttesterUsedBefore.selector, A)
        );
        new RoyaltyDistributor(token, address(1), governor, two, 1);
        two[1] = address(0);
        vm.expectRevert(IRoyaltyDistributor.DistributorAddressZero.selector);
        new RoyaltyDistributor(token, address(1), governor, two, 1);
        two[1] = B;
        vm.expectRevert(IRoyaltyDistributor.DistributorAddressZero.selector);
        new RoyaltyDistributor(IERC20(address(0)), address(1), governor, two, 1);
        vm.expectRevert(IRoyaltyDistributor.DistributorAddressZero.selector);
        new RoyaltyDistributor(token, address(0), governor, two, 1);
    }
}
