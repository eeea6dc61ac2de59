// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {Asset, AttributionMode, IAttributionRegistry, Kind, Terms} from "../interfaces/IAttributionRegistry.sol";
import {AttributionRegistry} from "../src/AttributionRegistry.sol";
import {World} from "./World.sol";

contract AttributionRegistryTest is World {
    bytes32 private constant CONTENT = keccak256("weights");
    address private constant OWNER = address(0x0A);

    function commitment(address registrant, Kind kind, bytes32 contentHash) private pure returns (bytes32) {
        return keccak256(abi.encode(registrant, kind, contentHash, bytes32("salt")));
    }

    function reveal(Kind kind, bytes32 contentHash) private returns (uint32) {
        Terms memory t = plainTerms(OWNER);
        vm.prank(OWNER);
        return registry.register(kind, contentHash, "salt", "", t);
    }

    /* COMMIT–REVEAL */

    function test_a_revealed_commitment_becomes_an_asset() external {
        bytes32 c = commitment(OWNER, Kind.Model, CONTENT);
        vm.expectEmit(address(registry));
        emit IAttributionRegistry.AssetCommitted(c, OWNER);
        vm.prank(OWNER);
        registry.commit(c);
        vm.assertEq(registry.committedAt(c), clock());
        skip(60);
        vm.expectEmit(address(registry));
        emit IAttributionRegistry.AssetRegistered(1, Kind.Model, CONTENT, OWNER, "");
        vm.assertEq(reveal(Kind.Model, CONTENT), 1);

        Asset memory a = registry.asset(1);
        vm.assertTrue(a.kind == Kind.Model && a.depth == 0 && a.pendingOwner == address(0));
        vm.assertEq(a.owner, OWNER);
        vm.assertEq(a.contentHash, CONTENT);
        vm.assertEq(a.versionCount, 1);
        vm.assertEq(registry.assetIdOf(CONTENT), 1);
        vm.assertEq(registry.assetCount(), 1);
        vm.assertEq(registry.committedAt(c), 0);
        vm.assertEq(registry.termsEffectiveAt(1, 1), clock());
    }

    function test_an_asset_is_nothing_before_its_registration() external {
        register(OWNER, Kind.Dataset, CONTENT, plainTerms(OWNER));
        vm.assertTrue(registry.kindBy(1, clock()) == Kind.Dataset);
        vm.assertTrue(registry.kindBy(1, clock() - 1) == Kind.None);
        vm.assertTrue(registry.kindBy(2, clock()) == Kind.None);
        vm.expectRevert(abi.encodeWithSelector(IAttributionRegistry.RegistryAssetUnknown.selector, uint32(2)));
        registry.rulesFor(2, clock());
    }

    function test_a_reveal_needs_a_commitment_of_the_caller_for_just_that() external {
        vm.prank(OWNER);
        registry.commit(commitment(OWNER, Kind.Model, CONTENT));
        skip(60);
        Terms memory t = plainTerms(OWNER);
        bytes32 copied = commitment(stranger, Kind.Model, CONTENT);
        vm.expectRevert(abi.encodeWithSelector(IAttributionRegistry.RegistryCommitmentUnknown.selector, copied));
        vm.prank(stranger);
        registry.register(Kind.Model, CONTENT, "salt", "", t);
        bytes32 asDataset = commitment(OWNER, Kind.Dataset, CONTENT);
        vm.expectRevert(abi.encodeWithSelector(IAttributionRegistry.RegistryCommitmentUnknown.selector, asDataset));
        vm.prank(OWNER);
        registry.register(Kind.Dataset, CONTENT, "salt", "", t);
    }

    function test_a_reveal_must_be_neither_too_early_nor_too_late() external {
        bytes32 c = commitment(OWNER, Kind.Model, CONTENT);
        vm.prank(OWNER);
        registry.commit(c);
        uint40 since = clock();
        skip(59);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionRegistry.RegistryCommitmentTooYoung.selector, c, since + 60)
        );
        reveal(Kind.Model, CONTENT);
        vm.warp(since + 1 days + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionRegistry.RegistryCommitmentExpired.selector, c, since + 1 days)
        );
        reveal(Kind.Model, CONTENT);
        registry.commit(c);
        skip(1 days);
        vm.assertEq(reveal(Kind.Model, CONTENT), 1);
    }

    function test_a_waiting_commitment_cannot_be_renewed() external {
        bytes32 c = commitment(OWNER, Kind.Model, CONTENT);
        registry.commit(c);
        uint40 expires = clock() + 1 days;
        vm.warp(expires);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionRegistry.RegistryCommitmentPending.selector, c, expires)
        );
        registry.commit(c);
    }

    function test_a_commitment_serves_once() external {
        register(OWNER, Kind.Model, CONTENT, plainTerms(OWNER));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionRegistry.RegistryCommitmentUnknown.selector, commitment(OWNER, Kind.Model, CONTENT)
            )
        );
        reveal(Kind.Model, CONTENT);
    }

    function test_the_first_registrant_of_a_content_wins_whatever_the_kind() external {
        register(OWNER, Kind.Model, CONTENT, plainTerms(OWNER));
        Terms memory t = plainTerms(stranger);
        vm.prank(stranger);
        registry.commit(commitment(stranger, Kind.Dataset, CONTENT));
        skip(60);
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionRegistry.RegistryContentTaken.selector, CONTENT, uint32(1))
        );
        vm.prank(stranger);
        registry.register(Kind.Dataset, CONTENT, "salt", "", t);
    }

    function test_kind_and_content_must_be_given() external {
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionRegistry.RegistryKindInvalid.selector, Kind.None)
        );
        reveal(Kind.None, CONTENT);
        vm.expectRevert(IAttributionRegistry.RegistryContentZero.selector);
        reveal(Kind.Model, 0);
    }

    /* OWNERSHIP */

    function test_ownership_moves_in_two_steps() external {
        register(OWNER, Kind.Model, CONTENT, plainTerms(OWNER));
        vm.expectEmit(address(registry));
        emit IAttributionRegistry.OwnershipTransferStarted(1, OWNER, stranger);
        vm.prank(OWNER);
        registry.transferOwnership(1, stranger);
        vm.assertEq(registry.asset(1).owner, OWNER);
        vm.expectEmit(address(registry));
        emit IAttributionRegistry.OwnershipTransferred(1, OWNER, stranger);
        vm.prank(stranger);
        registry.acceptOwnership(1);
        vm.assertEq(registry.asset(1).owner, stranger);
        vm.assertEq(registry.asset(1).pendingOwner, address(0));
        vm.expectRevert(
            abi.encodeWithSelector(IAttributionRegistry.RegistryNotOwner.selector, uint32(1), OWNER, stranger)
        );
        vm.prank(OWNER);
        registry.transferOwnership(1, OWNER);
    }

    function test_only_the_offered_address_accepts_and_an_offer_can_be_withdrawn() external {
        register(OWNER, Kind.Model, CONTENT, plainTerms(OWNER));
        vm.prank(OWNER);
        registry.transferOwnership(1, stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionRegistry.RegistryNotPendingOwner.selector, uint32(1), other, stranger
            )
        );
        vm.prank(other);
        registry.acceptOwnership(1);
        vm.prank(OWNER);
        registry.transferOwnership(1, address(0));
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionRegistry.RegistryNotPendingOwner.selector, uint32(1), stranger, address(0)
            )
        );
        vm.prank(stranger);
        registry.acceptOwnership(1);
    }

    function test_an_unknown_asset_is_refused_everywhere() external {
        bytes memory unknown =
            abi.encodeWithSelector(IAttributionRegistry.RegistryAssetUnknown.selector, uint32(9));
        Terms memory t = plainTerms(OWNER);
        vm.expectRevert(unknown);
        registry.asset(9);
        vm.expectRevert(unknown);
        registry.termsVersionAt(9, 0);
        vm.expectRevert(unknown);
        registry.proposeTerms(9, t);
        vm.expectRevert(unknown);
        registry.transferOwnership(9, OWNER);
        vm.expectRevert(unknown);
        registry.acceptOwnership(9);
    }

    /* VERSIONS */

    function test_new_terms_wait_for_their_notice() external {
        register(OWNER, Kind.Model, CONTENT, plainTerms(OWNER));
        uint40 start = clock();
        Terms memory t = plainTerms(stranger);
        t.mode = AttributionMode.Operator;
        t.floorInputPrice = 7;
        t.floorOutputPrice = 8;
        skip(100);
        vm.prank(OWNER);
        vm.assertEq(registry.proposeTerms(1, t), 2);
        uint40 effective = start + 100 + 48 hours;
        vm.assertEq(registry.termsEffectiveAt(1, 2), effective);
        vm.assertEq(registry.termsVersionAt(1, effective - 1), 1);
        vm.assertEq(registry.termsVersionAt(1, effective), 2);
        vm.assertEq(registry.termsVersionAt(1, 0), 1);
        vm.assertEq(registry.termsVersionAt(1, type(uint40).max), 2);
        (uint64 floorIn, uint64 floorOut, AttributionMode mode, uint32 datasets) = registry.termsRules(1, 2);
        vm.assertTrue(floorIn == 7 && floorOut == 8 && mode == AttributionMode.Operator && datasets == 0);
        uint32 version;
        (version, floorIn, floorOut, mode) = registry.rulesFor(1, effective);
        vm.assertTrue(version == 2 && floorIn == 7 && floorOut == 8 && mode == AttributionMode.Operator);
        (version, floorIn, floorOut, mode) = registry.rulesFor(1, effective - 1);
        vm.assertTrue(version == 1 && floorIn == 0 && floorOut == 0 && mode == AttributionMode.Fixed);
        vm.assertEq(keccak256(abi.encode(registry.terms(1, 2))), keccak256(abi.encode(t)));
    }

    function test_only_the_owner_proposes_terms() external {
        register(OWNER, Kind.Model, CONTENT, plainTerms(OWNER));
        Terms memory t = plainTerms(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionRegistry.RegistryNotOwner.selector, uint32(1), stranger, OWNER
            )
        );
        vm.prank(stranger);
        registry.proposeTerms(1, t);
    }

    function testFuzz_the_version_in_force_is_the_newest_that_is_effective(uint16[8] memory gaps, uint32 at)
        external
    {
        register(OWNER, Kind.Model, CONTENT, plainTerms(OWNER));
        uint40 start = clock();
        uint40[9] memory effective;
        effective[0] = start;
        for (uint256 i = 0; i < 8; ++i) {
            skip(gaps[i]);
            effective[i + 1] = clock() + 48 hours;
            vm.prank(OWNER);
            registry.proposeTerms(1, plainTerms(OWNER));
        }
        uint40 time = start + at % 10 days;
        uint32 expected = 1;
        for (uint32 i = 0; i < 9; ++i) {
            if (effective[i] <= time) expected = i + 1;
        }
        vm.assertEq(registry.termsVersionAt(1, time), expected);
    }

    function test_an_unknown_version_is_refused_by_every_view() external {
        register(OWNER, Kind.Model, CONTENT, plainTerms(OWNER));
        for (uint32 version = 0; version < 3; version += 2) {
            bytes memory unknown = abi.encodeWithSelector(
                IAttributionRegistry.RegistryVersionUnknown.selector, uint32(1), version
            );
            vm.expectRevert(unknown);
            registry.terms(1, version);
            vm.expectRevert(unknown);
            registry.termsEffectiveAt(1, version);
            vm.expectRevert(unknown);
            registry.termsRules(1, version);
            vm.expectRevert(unknown);
            registry.admits(1, version, 1);
            vm.expectRevert(unknown);
            registry.effectiveShares(1, version);
        }
    }

    function test_the_royalty_limit_must_be_a_share() external {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAttributionRegistry.RegistryRoyaltyLimitTooHigh.selector, uint32(1_000_001)
            )
        );
        new AttributionRegistry(1_000_001);
    }
}
