// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {BatchHeader, BatchRecord, Charge} from "../../interfaces/BatchTypes.sol";
import {World} from "../World.sol";

/// @notice The world's actors, and an account of their moves that owes nothing to the contracts.
abstract contract Books is World {
    uint256 public constant PAYERS = 3;
    uint256 public constant PAYEES = 3;

    struct OpenBatch {
        uint64 id;
        BatchRecord record;
    }

    /// A batch that was voided, with what its commit said.
    struct Hole {
        uint64 id;
        BatchRecord record;
        uint40 voidedAt;
    }

    struct OpenDemand {
        uint64 id;
        bytes32 recordHash;
        uint40 dueAt;
    }

    struct TreeOfRoot {
        uint64 index;
        uint256[PAYEES] cumulative;
        bool disabled;
    }

    // The handler's own books.
    uint256 public minted;
    uint256 public stray;
    uint256 public funded;
    uint256 public bondsIn;
    uint256 public bondsOut;
    mapping(address payer => uint256) public depositedBy;
    mapping(address payer => uint256) public withdrawnBy;
    mapping(address payer => uint256) public bestCapOf;
    mapping(address payer => uint256) public owedBy;
    uint256 public debtsCollected;
    uint256 public shortfallsPaid;
    uint256 public rewards;
    uint256 public burned;
    uint256 public shortfallsReturned;
    uint256 public demandsIn;
    uint256 public demandsOut;
    mapping(address payee => uint256) public claimedBefore;
    OpenBatch[] internal _open;
    Hole[] internal _holes;
    mapping(uint64 batchId => BatchHeader) internal _headers;
    mapping(uint64 batchId => bytes32[]) internal _hashes;
    mapping(uint64 batchId => Charge[]) internal _chargesOf;
    mapping(uint64 batchId => mapping(uint256 p => bool)) internal _refunded;
    TreeOfRoot[] internal _trees;
    OpenDemand[] internal _demands;
    mapping(uint64 batchId => uint40) internal _postedAt;
    uint64[] public finalized;
    mapping(bytes32 move => uint256) public made;
    uint256 internal draws;

    constructor() {
        World.setUp();
    }

    function setUp() public pure override {}

    /* ACTORS */

    function payerKey(uint256 index) public pure returns (uint256) {
        return 0xB0B + index % PAYERS;
    }

    function payerAt(uint256 index) public pure returns (address) {
        return vm.addr(payerKey(index));
    }

    function payeeAt(uint256 index) public pure returns (address) {
        return address(uint160(0x7A1EE0 + index % PAYEES));
    }

    function theOperator() external view returns (address) {
        return operator;
    }

    function contracts() external view returns (address, address, address, address, address, address) {
        return (
            address(token), address(operators), address(escrow), address(distributor), address(ledger), address(demands)
        );
    }

    function openBatches() external view returns (OpenBatch[] memory) {
        return _open;
    }

    function finalizedCount() external view returns (uint256) {
        return finalized.length;
    }

    function openDemands() external view returns (uint256) {
        return _demands.length;
    }

    function holes() external view returns (Hole[] memory) {
        return _holes;
    }
}
