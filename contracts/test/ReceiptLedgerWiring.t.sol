// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IReceiptLedger} from "../interfaces/IReceiptLedger.sol";
import {AttributionRegistry} from "../src/AttributionRegistry.sol";
import {ReceiptLedger} from "../src/ReceiptLedger.sol";
import {LedgerModel} from "./LedgerModel.sol";

/// @notice A ledger refuses contracts that were built for another.
contract ReceiptLedgerWiringTest is LedgerModel {
    /// Makes the contracts that name a ledger name the next one that is created here: by mocks, since true ones would
    /// have to be deployed anew for each fault below.
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
