// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAttributionRegistry} from "../../interfaces/IAttributionRegistry.sol";
import {IChallenges} from "../../interfaces/IChallenges.sol";
import {IOperators} from "../../interfaces/IOperators.sol";
import {IReceiptLedger} from "../../interfaces/IReceiptLedger.sol";
import {BlobDemands} from "../../src/BlobDemands.sol";
import {FormatChallenges} from "../../src/FormatChallenges.sol";
import {ReceiptChallenges} from "../../src/ReceiptChallenges.sol";
import {World} from "../World.sol";

/// @notice What a contract that hears challenges must be built with.
contract CourtsTest is World {
    IReceiptLedger private constant NO_LEDGER = IReceiptLedger(address(0));
    IAttributionRegistry private constant NO_REGISTRY = IAttributionRegistry(address(0));
    IOperators private constant NO_OPERATORS = IOperators(address(0));

    function zero() private {
        vm.expectRevert(IChallenges.ChallengeAddressZero.selector);
    }

    function test_a_court_needs_a_ledger_a_registry_and_operators() external {
        zero();
        new FormatChallenges(NO_LEDGER, registry, operators);
        zero();
        new FormatChallenges(ledger, NO_REGISTRY, operators);
        zero();
        new FormatChallenges(ledger, registry, NO_OPERATORS);
        zero();
        new ReceiptChallenges(NO_LEDGER, registry, operators);
        zero();
        new ReceiptChallenges(ledger, NO_REGISTRY, operators);
        zero();
        new ReceiptChallenges(ledger, registry, NO_OPERATORS);
    }

    function test_demands_need_a_token_besides() external {
        zero();
        new BlobDemands(NO_LEDGER, registry, operators, token, 1);
        zero();
        new BlobDemands(ledger, registry, operators, IERC20(address(0)), 1);
    }
}
