// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, Charge} from "../interfaces/BatchTypes.sol";
import {World} from "./World.sol";

/// @notice One batch of one payer, ready to be committed.
abstract contract LedgerModel is World {
    BatchHeader internal h;
    bytes32[] internal hashes;
    Charge[] internal charges;

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

    function attestNow() internal {
        attest(hashes, clock());
    }

    function commitExpecting(bytes memory reason) internal {
        if (reason.length != 0) vm.expectRevert(reason);
        vm.prank(operator);
        ledger.commitBatch(h, hashes, charges);
    }

    function committed() internal returns (BatchRecord memory record) {
        attestNow();
        record = recordOf(h, hashes, charges);
        commitExpecting("");
    }
}
