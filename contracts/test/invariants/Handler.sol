// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {DemandMoves} from "./DemandMoves.sol";
import {PayerMoves} from "./PayerMoves.sol";
import {SettlementMoves} from "./SettlementMoves.sol";

/// @notice Random moves of payers, one operator, challengers, attesters and payees. Each move keeps to what the contracts
/// allow, so that none may revert; what it did is noted, so that the invariants can be checked against an account of
/// their own.
contract Handler is PayerMoves, DemandMoves, SettlementMoves {
    function passTime(uint32 time) external {
        skip(time % 8 days);
        ++made["passTime"];
    }

    function sendStray(uint32 where, uint32 amount) external {
        address[4] memory targets =
            [address(escrow), address(operators), address(distributor), address(demands)];
        mint(targets[where % 4], amount);
        minted += amount;
        stray += amount;
        ++made["stray"];
    }
}
