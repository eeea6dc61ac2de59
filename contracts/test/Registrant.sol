// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Kind, Terms} from "../interfaces/IAttributionRegistry.sol";
import {World} from "./World.sol";

/// Somebody who registers assets.
abstract contract Registrant is World {
    address internal constant OWNER = address(0x0A);
    address internal constant CHILD = address(0x0B);

    function refuses(Kind kind, Terms memory t, bytes memory reason) internal {
        bytes32 contentHash = keccak256(abi.encode(t, clock()));
        vm.prank(OWNER);
        registry.commit(keccak256(abi.encode(OWNER, kind, contentHash, bytes32("salt"))));
        skip(60);
        vm.expectRevert(reason);
        vm.prank(OWNER);
        registry.register(kind, contentHash, "salt", "", t);
    }

    function asset(Kind kind, string memory name, Terms memory t) internal returns (uint32) {
        return register(OWNER, kind, keccak256(bytes(name)), t);
    }
}
