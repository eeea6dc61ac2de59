// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {PayeeAccount} from "../src/libraries/PayeeAccount.sol";
import {RootTip} from "../src/libraries/RootTip.sol";
import {SortedPairProof} from "../src/libraries/SortedPairProof.sol";
import {Vm} from "./Vm.sol";

/// @notice What the distributor does by hand, beside the plain ways of doing it.
contract SortedPairProofTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function verified(bytes32[] calldata proof, bytes32 root, bytes32 leaf) external pure returns (bool ours, bool plain) {
        ours = SortedPairProof.verify(proof, root, leaf);
        plain = MerkleProof.verifyCalldata(proof, root, leaf);
    }

    function processed(bytes32[] calldata proof, bytes32 leaf) external pure returns (bytes32) {
        return MerkleProof.processProofCalldata(proof, leaf);
    }

    function check(bytes32[] memory proof, bytes32 root, bytes32 leaf, bool expected) private view {
        (bool ours, bool plain) = this.verified(proof, root, leaf);
        vm.assertEq(plain, expected);
        vm.assertEq(ours, expected);
    }

    function testFuzz_a_proof_is_right_where_openzeppelin_says_so(bytes32 leaf, bytes32 seed, uint8 depth, uint8 wrong)
        external
        view
    {
        bytes32[] memory proof = new bytes32[](depth % 33);
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] = keccak256(abi.encode(seed, i));
        }
        bytes32 root = this.processed(proof, leaf);
        check(proof, root, leaf, true);
        check(proof, ~root, leaf, false);
        check(proof, root, ~leaf, false);
        if (proof.length == 0) return;
        uint256 place = wrong % proof.length;
        proof[place] = ~proof[place];
        check(proof, root, leaf, false);
    }

    /// Every length up to beyond two turns of the loop, with siblings below, above and equal to the node.
    function test_every_length_and_order_is_read() external view {
        for (uint256 length = 0; length < 12; ++length) {
            bytes32[] memory proof = new bytes32[](length);
            for (uint256 i = 0; i < length; ++i) {
                if (i % 3 == 1) proof[i] = bytes32(type(uint256).max);
                if (i % 3 == 2) proof[i] = keccak256(abi.encode(i));
            }
            check(proof, this.processed(proof, 0), 0, true);
            check(proof, this.processed(proof, "leaf"), "leaf", true);
        }
    }

    function testFuzz_a_leaf_is_a_standard_merkle_trees(address payee, address token, uint256 cumulative) external pure {
        bytes32 plain = keccak256(bytes.concat(keccak256(abi.encode(payee, token, cumulative))));
        vm.assertEq(SortedPairProof.leaf(payee, token, cumulative), plain);
    }

    function testFuzz_a_tip_keeps_its_fields_apart(uint88 claimed, uint88 more, uint88 total, uint40 active, uint40 index)
        external
        pure
    {
        more = uint88(more % (uint256(type(uint88).max) - claimed + 1));
        RootTip tip = RootTip.wrap(type(uint256).max - type(uint88).max + claimed).withRoot(total, active, index);
        tip = tip.add(more);
        vm.assertEq(tip.totalClaimed(), uint256(claimed) + more);
        tip = tip.subtract(claimed);
        vm.assertEq(tip.totalClaimed(), more);
        vm.assertEq(tip.totalCumulative(), total);
        vm.assertEq(tip.activatesAt(), active);
        vm.assertEq(tip.rootIndex(), index);
    }

    function testFuzz_a_total_leaves_room_for_what_was_not_claimed(uint88 claimed, uint88 total, uint256 amount)
        external
        pure
    {
        RootTip tip = RootTip.wrap(claimed);
        bool room = amount <= (claimed < total ? total - claimed : 0);
        vm.assertEq(tip.leaves(total, amount), room);
        uint256 most = type(uint256).max;
        vm.assertEq(tip.wouldBeClaimed(amount), amount > most - claimed ? most : claimed + amount);
    }

    function testFuzz_an_account_keeps_its_fields_apart(address recipient, address payee, uint96 claimed, uint96 more)
        external
        pure
    {
        more = uint96(more % (uint256(type(uint96).max) - claimed + 1));
        PayeeAccount account = PayeeAccount.wrap(claimed).withRecipient(recipient).add(more);
        vm.assertEq(account.claimed(), uint256(claimed) + more);
        vm.assertEq(account.recipientOf(payee), recipient == address(0) ? payee : recipient);
        account = account.subtract(claimed).withRecipient(address(0));
        vm.assertEq(account.claimed(), more);
        vm.assertEq(account.recipientOf(payee), payee);
    }
}
