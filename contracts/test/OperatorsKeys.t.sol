// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IOperators, KeyActivity} from "../interfaces/IOperators.sol";
import {World} from "./World.sol";

/// @notice Signing keys and the one span that each has in a lane.
contract OperatorsKeysTest is World {
    function test_a_key_counts_from_its_addition_to_its_revocation() external {
        address key = address(0x1234);
        vm.startPrank(operator);
        uint40 added = clock();
        vm.expectEmit(address(operators));
        emit IOperators.KeyAdded(operator, 3, key, added);
        operators.addKey(3, key);
        skip(1000);
        vm.expectEmit(address(operators));
        emit IOperators.KeyRevoked(operator, 3, key, added + 1000);
        operators.revokeKey(3, key);
        vm.stopPrank();
        uint40 end = added + 1000;
        vm.assertTrue(operators.keyActiveIn(operator, 3, key, added, added));
        vm.assertTrue(operators.keyActiveIn(operator, 3, key, end, end + 50));
        vm.assertTrue(operators.keyActiveIn(operator, 3, key, added - 10, end + 10));
        vm.assertFalse(operators.keyActiveIn(operator, 3, key, added - 10, added - 1));
        vm.assertFalse(operators.keyActiveIn(operator, 3, key, end + 1, end + 50));
        vm.assertFalse(operators.keyActiveIn(operator, 4, key, added, end));
        vm.assertFalse(operators.keyActiveIn(stranger, 3, key, added, end));
        KeyActivity memory activity = operators.keyActivity(operator, 3, key);
        vm.assertTrue(activity.addedAt == added && activity.revokedAt == end);
    }

    function test_a_key_that_was_never_revoked_counts_for_ever() external {
        vm.prank(operator);
        operators.addKey(0, address(1));
        vm.assertTrue(operators.keyActiveIn(operator, 0, address(1), type(uint40).max, type(uint40).max));
    }

    function test_a_key_has_one_span_a_lane() external {
        address key = address(0x1234);
        vm.startPrank(operator);
        operators.addKey(0, key);
        bytes memory used =
            abi.encodeWithSelector(IOperators.OperatorsKeyUsedBefore.selector, uint16(0), key);
        vm.expectRevert(used);
        operators.addKey(0, key);
        operators.revokeKey(0, key);
        vm.expectRevert(used);
        operators.addKey(0, key);
        bytes memory inactive =
            abi.encodeWithSelector(IOperators.OperatorsKeyNotActive.selector, uint16(0), key);
        vm.expectRevert(inactive);
        operators.revokeKey(0, key);
        vm.expectRevert(abi.encodeWithSelector(IOperators.OperatorsKeyNotActive.selector, uint16(1), key));
        operators.revokeKey(1, key);
        vm.expectRevert(IOperators.OperatorsKeyZero.selector);
        operators.addKey(0, address(0));
        operators.addKey(1, key);
        vm.stopPrank();
    }
}
