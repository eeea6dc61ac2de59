// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IOperators, Price} from "../interfaces/IOperators.sol";
import {World} from "./World.sol";

/// @notice Published prices and their notice.
contract OperatorsPricesTest is World {
    function publish(uint64 inputPrice, uint64 outputPrice) private {
        vm.prank(operator);
        operators.setPrice(1, inputPrice, outputPrice);
    }

    function inForce(uint40 time) private view returns (uint64, uint64, uint40) {
        Price memory price = operators.priceAt(operator, 1, time);
        return (price.inputPrice, price.outputPrice, price.effectiveAt);
    }

    function assertPrice(uint40 time, uint64 inputPrice, uint64 outputPrice, uint40 effectiveAt) private view {
        (uint64 i, uint64 o, uint40 e) = inForce(time);
        vm.assertEq(i, inputPrice);
        vm.assertEq(o, outputPrice);
        vm.assertEq(e, effectiveAt);
    }

    function test_there_is_no_price_before_the_first() external {
        uint40 start = clock();
        assertPrice(start, 0, 0, 0);
        vm.expectEmit(address(operators));
        emit IOperators.PricePublished(operator, 1, 10, 20, start);
        publish(10, 20);
        assertPrice(start - 1, 0, 0, 0);
        assertPrice(start, 10, 20, start);
    }

    function test_a_rise_in_either_part_waits_two_days_a_fall_ten_minutes() external {
        uint40 start = clock();
        publish(10, 20);
        publish(10, 21);
        assertPrice(start + 48 hours - 1, 10, 20, start);
        assertPrice(start + 48 hours, 10, 21, start + 48 hours);
        skip(48 hours);
        publish(11, 5);
        assertPrice(clock() + 48 hours, 11, 5, clock() + 48 hours);
        skip(48 hours);
        uint40 later = clock();
        publish(11, 4);
        assertPrice(later + 10 minutes - 1, 11, 5, later);
        assertPrice(later + 10 minutes, 11, 4, later + 10 minutes);
    }

    function test_a_fall_does_not_overtake_a_rise_that_was_announced() external {
        uint40 start = clock();
        publish(10, 10);
        publish(20, 20);
        skip(1 hours);
        publish(15, 15);
        assertPrice(start + 48 hours - 1, 10, 10, start);
        assertPrice(start + 48 hours, 15, 15, start + 48 hours);
        // Above the price in force, though not above the newest published one: the notice runs out with the rise's.
        publish(16, 15);
        assertPrice(start + 48 hours, 15, 15, start + 48 hours);
        assertPrice(start + 49 hours, 16, 15, start + 49 hours);
    }

    function testFuzz_the_price_in_force_never_rose_without_notice(
        uint64[10] memory prices,
        uint24[10] memory gaps,
        uint32 probe
    ) external {
        uint40 start = clock();
        uint40[10] memory published;
        for (uint256 i = 0; i < 10; ++i) {
            skip(gaps[i] % 5 days);
            published[i] = clock();
            publish(prices[i], prices[i]);
        }
        uint40 time = start + probe % 60 days;
        (uint64 price,, uint40 effectiveAt) = inForce(time);
        vm.assertTrue(effectiveAt <= time);
        if (effectiveAt == 0) return;
        // Whatever is in force was the newest publication or an older one; anything higher than the price 48 h before
        // was published at least 48 h before (the first price excepted).
        (uint64 before,, uint40 since) = inForce(effectiveAt - 1);
        if (since == 0 || price <= before) return;
        bool announced = false;
        for (uint256 i = 0; i < 10; ++i) {
            if (prices[i] >= price && published[i] + 48 hours <= effectiveAt) announced = true;
        }
        vm.assertTrue(announced, "rose without notice");
    }
}
