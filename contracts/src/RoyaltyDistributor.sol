// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Claim, Distribution, IRoyaltyDistributor, Root} from "../interfaces/IRoyaltyDistributor.sol";
import {AttesterQuorum} from "./AttesterQuorum.sol";
import {L2BlockHash} from "./libraries/L2BlockHash.sol";
import {Payee, PayeeAccount} from "./libraries/PayeeAccount.sol";
import {RootTip} from "./libraries/RootTip.sol";
import {SortedPairProof} from "./libraries/SortedPairProof.sol";
import {ACTIVATION_DELAY} from "./Windows.sol";

contract RoyaltyDistributor is AttesterQuorum, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    IERC20 public immutable token;
    address public immutable ledger;

    // Never goes stale: a pending root's copy is dropped when it is disabled, and an active root can't be.
    RootTip private _tip;
    uint88 private _totalFunded;
    uint40 private _nextRootIndex = 1;
    mapping(uint64 rootIndex => Root) private _roots;
    mapping(address payee => Payee) private _payees;

    constructor(
        IERC20 token_,
        address ledger_,
        address governor,
        address[] memory attesters,
        uint256 quorum_
    ) AttesterQuorum(attesters, quorum_) Ownable(governor) {
        require(address(token_) != address(0) && ledger_ != address(0), DistributorAddressZero());
        token = token_;
        ledger = ledger_;
    }

    /* ROOTS */

    /// @inheritdoc IRoyaltyDistributor
    function submitRoot(Distribution calldata d, bytes[] calldata signatures) external {
        uint40 index = _nextRootIndex;
        require(d.rootIndex == index, DistributorRootIndex(d.rootIndex, index));
        require(d.root != 0, DistributorRootZero());
        _checkTotals(index, d);
        L2BlockHash.check(d.throughL2Block, d.throughL2BlockHash);
        address[] memory signers = _requireQuorum(distributionDigest(d), signatures);

        _nextRootIndex = index + 1;
        uint40 activatesAt = uint40(block.timestamp) + ACTIVATION_DELAY;
        // totalCumulative ≤ totalFunded, which is 88 bits.
        uint88 total = uint88(d.totalCumulative);
        _roots[index] = Root(d.root, total, d.throughL2Block, activatesAt, false);
        _tip = _tip.withRoot(total, activatesAt, index);
        emit RootSubmitted(
            index,
            d.root,
            d.totalCumulative,
            d.throughL2Block,
            d.throughL2BlockHash,
            d.dataHash,
            activatesAt,
            signers
        );
    }

    /// @inheritdoc IRoyaltyDistributor
    function disableRoot(uint64 rootIndex) external {
        require(isAttester(msg.sender), DistributorNotAttester(msg.sender));
        Root storage root_ = _requireRoot(rootIndex);
        require(!root_.disabled, DistributorRootDisabled(rootIndex));
        require(block.timestamp < root_.activatesAt, DistributorRootActive(rootIndex, root_.activatesAt));
        root_.disabled = true;
        if (_tip.rootIndex() == rootIndex) _tip = _tip.withRoot(0, 0, 0);
        emit RootDisabled(rootIndex, msg.sender);
    }

    /* CLAIMS */

    /// @inheritdoc IRoyaltyDistributor
    /// @dev Needs no guard: the transfer is its last act, and `claimMany` keeps nothing in mind that this could change.
    function claim(uint64 rootIndex, address payee, uint256 cumulative, bytes32[] calldata proof)
        external
    {
        (bytes32 root_, RootTip tip) = _requireActive(rootIndex);
        require(_isInTree(root_, payee, cumulative, proof), DistributorProofInvalid(payee, cumulative));
        Payee storage slot = _payees[payee];
        PayeeAccount account = slot.account;
        uint256 before = account.claimed();
        require(cumulative > before, DistributorNothingToClaim(payee, cumulative, before));
        uint256 amount;
        unchecked {
            amount = cumulative - before;
        }
        if (!tip.leaves(tip.totalCumulative(), amount)) {
            revert DistributorRootExhausted(rootIndex, tip.totalCumulative(), tip.wouldBeClaimed(amount));
        }
        slot.account = account.add(amount);
        _tip = tip.add(amount);
        address recipient = account.recipientOf(payee);
        emit Claimed(payee, recipient, rootIndex, amount, cumulative);
        token.safeTransfer(recipient, amount);
    }

    /// @inheritdoc IRoyaltyDistributor
    function claimMany(uint64 rootIndex, Claim[] calldata claims) external nonReentrant {
        (bytes32 root_, RootTip tip) = _requireActive(rootIndex);
        _tip = tip;
        for (uint256 i = 0; i < claims.length; ++i) {
            bytes memory reason = _tryClaim(rootIndex, root_, tip.totalCumulative(), claims[i]);
            if (reason.length != 0) emit ClaimSkipped(claims[i].payee, rootIndex, reason);
        }
    }

    /// @inheritdoc IRoyaltyDistributor
    function setRecipient(address recipient) external {
        Payee storage slot = _payees[msg.sender];
        slot.account = slot.account.withRecipient(recipient);
        emit RecipientSet(msg.sender, recipient);
    }

    /* FUNDING */

    /// @inheritdoc IRoyaltyDistributor
    function fund(uint64 batchId, uint64 amount) external {
        require(msg.sender == ledger, DistributorNotLedger(msg.sender));
        uint88 total = _totalFunded + amount;
        _totalFunded = total;
        emit Funded(batchId, amount, total);
    }

    /* VIEWS */

    /// @inheritdoc IRoyaltyDistributor
    function nextRootIndex() external view returns (uint64) {
        return _nextRootIndex;
    }

    /// @inheritdoc IRoyaltyDistributor
    function root(uint64 rootIndex) external view returns (Root memory) {
        return _requireRoot(rootIndex);
    }

    /// @inheritdoc IRoyaltyDistributor
    function claimed(address payee) external view returns (uint256) {
        return _payees[payee].account.claimed();
    }

    /// @inheritdoc IRoyaltyDistributor
    function recipientOf(address payee) external view returns (address) {
        return _payees[payee].account.recipientOf(payee);
    }

    /// @inheritdoc IRoyaltyDistributor
    function totalClaimed() external view returns (uint256) {
        return _tip.totalClaimed();
    }

    /// @inheritdoc IRoyaltyDistributor
    function totalFunded() external view returns (uint256) {
        return _totalFunded;
    }

    /* INTERNAL */

    /// @dev Compares with the newest root that is not disabled: a disabled one binds nobody.
    function _checkTotals(uint64 index, Distribution calldata d) private view {
        require(
            d.totalCumulative <= _totalFunded, DistributorTotalNotFunded(d.totalCumulative, _totalFunded)
        );
        while (--index != 0) {
            Root storage previous = _roots[index];
            if (previous.disabled) continue;
            require(
                d.totalCumulative >= previous.totalCumulative,
                DistributorTotalFell(d.totalCumulative, previous.totalCumulative)
            );
            require(
                d.throughL2Block >= previous.throughL2Block,
                DistributorBlockFell(d.throughL2Block, previous.throughL2Block)
            );
            return;
        }
    }

    /// @dev Pays one of many, or says why not as the error that `claim` would have given. State is final before the
    /// transfer, and one that fails is taken back from what storage then holds: a token may call anything meanwhile.
    function _tryClaim(uint64 rootIndex, bytes32 root_, uint256 rootTotal, Claim calldata c)
        private
        returns (bytes memory reason)
    {
        if (!_isInTree(root_, c.payee, c.cumulative, c.proof)) {
            return abi.encodeWithSelector(DistributorProofInvalid.selector, c.payee, c.cumulative);
        }
        Payee storage slot = _payees[c.payee];
        PayeeAccount account = slot.account;
        uint256 before = account.claimed();
        if (c.cumulative <= before) {
            return abi.encodeWithSelector(
                DistributorNothingToClaim.selector, c.payee, c.cumulative, before
            );
        }
        uint256 amount = c.cumulative - before;
        RootTip tip = _tip;
        if (!tip.leaves(rootTotal, amount)) {
            return abi.encodeWithSelector(
                DistributorRootExhausted.selector, rootIndex, rootTotal, tip.wouldBeClaimed(amount)
            );
        }
        slot.account = account.add(amount);
        _tip = tip.add(amount);
        address recipient = account.recipientOf(c.payee);
        if (!token.trySafeTransfer(recipient, amount)) {
            slot.account = slot.account.subtract(amount);
            _tip = _tip.subtract(amount);
            return abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token);
        }
        emit Claimed(c.payee, recipient, rootIndex, amount, c.cumulative);
    }

    function _isInTree(bytes32 root_, address payee, uint256 cumulative, bytes32[] calldata proof)
        private
        view
        returns (bool)
    {
        return SortedPairProof.verify(
            proof, root_, SortedPairProof.leaf(payee, address(token), cumulative)
        );
    }

    function _requireRoot(uint64 rootIndex) private view returns (Root storage root_) {
        root_ = _roots[rootIndex];
        require(root_.root != 0, DistributorRootUnknown(rootIndex));
    }

    /// @dev The root's hash, and the tip with this root's copy.
    function _requireActive(uint64 rootIndex) private view returns (bytes32 hash, RootTip tip) {
        Root storage root_ = _roots[rootIndex];
        hash = root_.root;
        require(hash != 0, DistributorRootUnknown(rootIndex));
        tip = _tip;
        if (tip.rootIndex() != rootIndex) {
            require(!root_.disabled, DistributorRootDisabled(rootIndex));
            // Both fit: they were written from as many bits.
            tip = tip.withRoot(uint88(root_.totalCumulative), root_.activatesAt, uint40(rootIndex));
        }
        require(
            block.timestamp >= tip.activatesAt(), DistributorRootNotActive(rootIndex, tip.activatesAt())
        );
    }
}
