// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Claim, Distribution, IRoyaltyDistributor, Root} from "../interfaces/IRoyaltyDistributor.sol";
import {AttesterQuorum} from "./AttesterQuorum.sol";
import {L2BlockHash} from "./libraries/L2BlockHash.sol";
import {ACTIVATION_DELAY} from "./Windows.sol";

contract RoyaltyDistributor is AttesterQuorum, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// One slot. Claims are bounded by totals that 96 bits hold many times over: batches pay in 64 bits each.
    struct Payee {
        address recipient;
        uint96 claimed;
    }

    IERC20 public immutable token;
    address public immutable ledger;

    uint128 private _totalFunded;
    uint128 private _totalClaimed;
    uint64 public nextRootIndex = 1;
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
        uint64 index = nextRootIndex;
        require(d.rootIndex == index, DistributorRootIndex(d.rootIndex, index));
        require(d.root != 0, DistributorRootZero());
        _checkTotals(index, d);
        L2BlockHash.check(d.throughL2Block, d.throughL2BlockHash);
        address[] memory signers = _requireQuorum(distributionDigest(d), signatures);

        nextRootIndex = index + 1;
        uint40 activatesAt = uint40(block.timestamp) + ACTIVATION_DELAY;
        // totalCumulative ≤ totalFunded, which is 128 bits.
        _roots[index] = Root(d.root, uint128(d.totalCumulative), d.throughL2Block, activatesAt, false);
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
        emit RootDisabled(rootIndex, msg.sender);
    }

    /* CLAIMS */

    /// @inheritdoc IRoyaltyDistributor
    function claim(uint64 rootIndex, address payee, uint256 cumulative, bytes32[] calldata proof)
        external
        nonReentrant
    {
        Root storage root_ = _requireActive(rootIndex);
        require(
            _isInTree(root_.root, payee, cumulative, proof), DistributorProofInvalid(payee, cumulative)
        );
        Payee memory account = _payees[payee];
        require(
            cumulative > account.claimed, DistributorNothingToClaim(payee, cumulative, account.claimed)
        );
        uint256 amount = cumulative - account.claimed;
        uint256 total = _totalClaimed + amount;
        require(
            total <= root_.totalCumulative,
            DistributorRootExhausted(rootIndex, root_.totalCumulative, total)
        );
        _totalClaimed = uint128(total);
        _payees[payee].claimed = uint96(cumulative);
        address recipient = account.recipient == address(0) ? payee : account.recipient;
        emit Claimed(payee, recipient, rootIndex, amount, cumulative);
        token.safeTransfer(recipient, amount);
    }

    /// @inheritdoc IRoyaltyDistributor
    function claimMany(uint64 rootIndex, Claim[] calldata claims) external nonReentrant {
        Root memory root_ = _requireActive(rootIndex);
        uint256 total = _totalClaimed;
        for (uint256 i = 0; i < claims.length; ++i) {
            (uint256 paid, bytes memory reason) = _tryClaim(rootIndex, root_, claims[i], total);
            total += paid;
            if (paid == 0) emit ClaimSkipped(claims[i].payee, rootIndex, reason);
        }
        _totalClaimed = uint128(total);
    }

    /// @inheritdoc IRoyaltyDistributor
    function setRecipient(address recipient) external {
        _payees[msg.sender].recipient = recipient;
        emit RecipientSet(msg.sender, recipient);
    }

    /* FUNDING */

    /// @inheritdoc IRoyaltyDistributor
    function fund(uint64 batchId, uint64 amount) external {
        require(msg.sender == ledger, DistributorNotLedger(msg.sender));
        _totalFunded += amount;
        emit Funded(batchId, amount, _totalFunded);
    }

    /* VIEWS */

    /// @inheritdoc IRoyaltyDistributor
    function root(uint64 rootIndex) external view returns (Root memory) {
        return _requireRoot(rootIndex);
    }

    /// @inheritdoc IRoyaltyDistributor
    function claimed(address payee) external view returns (uint256) {
        return _payees[payee].claimed;
    }

    /// @inheritdoc IRoyaltyDistributor
    function recipientOf(address payee) external view returns (address) {
        address recipient = _payees[payee].recipient;
        return recipient == address(0) ? payee : recipient;
    }

    /// @inheritdoc IRoyaltyDistributor
    function totalClaimed() external view returns (uint256) {
        return _totalClaimed;
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

    /// @dev Pays one of many, or says why not as the error that `claim` would have given.
    function _tryClaim(uint64 rootIndex, Root memory root_, Claim calldata c, uint256 total)
        private
        returns (uint256 amount, bytes memory reason)
    {
        if (!_isInTree(root_.root, c.payee, c.cumulative, c.proof)) {
            return (0, abi.encodeWithSelector(DistributorProofInvalid.selector, c.payee, c.cumulative));
        }
        Payee memory account = _payees[c.payee];
        if (c.cumulative <= account.claimed) {
            return (
                0,
                abi.encodeWithSelector(
                    DistributorNothingToClaim.selector, c.payee, c.cumulative, account.claimed
                )
            );
        }
        amount = c.cumulative - account.claimed;
        if (total + amount > root_.totalCumulative) {
            return (
                0,
                abi.encodeWithSelector(
                    DistributorRootExhausted.selector, rootIndex, root_.totalCumulative, total + amount
                )
            );
        }
        _payees[c.payee].claimed = uint96(c.cumulative);
        address recipient = account.recipient == address(0) ? c.payee : account.recipient;
        if (!token.trySafeTransfer(recipient, amount)) {
            _payees[c.payee].claimed = account.claimed;
            return (0, abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, token));
        }
        emit Claimed(c.payee, recipient, rootIndex, amount, c.cumulative);
    }

    function _isInTree(bytes32 root_, address payee, uint256 cumulative, bytes32[] calldata proof)
        private
        view
        returns (bool)
    {
        bytes32 leaf = keccak256(bytes.concat(keccak256(abi.encode(payee, token, cumulative))));
        return MerkleProof.verifyCalldata(proof, root_, leaf);
    }

    function _requireRoot(uint64 rootIndex) private view returns (Root storage root_) {
        root_ = _roots[rootIndex];
        require(root_.root != 0, DistributorRootUnknown(rootIndex));
    }

    function _requireActive(uint64 rootIndex) private view returns (Root storage root_) {
        root_ = _requireRoot(rootIndex);
        require(!root_.disabled, DistributorRootDisabled(rootIndex));
        require(
            block.timestamp >= root_.activatesAt, DistributorRootNotActive(rootIndex, root_.activatesAt)
        );
    }
}
