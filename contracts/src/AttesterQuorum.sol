// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Distribution, IRoyaltyDistributor} from "../interfaces/IRoyaltyDistributor.sol";
import {ATTESTER_NOTICE} from "./Windows.sol";

/// @notice Who may sign roots, and how many must. The set's size and the quorum are fixed; the owner (the governor) may
/// replace one member by another, with notice.
abstract contract AttesterQuorum is IRoyaltyDistributor, Ownable2Step, EIP712 {
    bytes32 private constant DISTRIBUTION_TYPEHASH = keccak256(
        "Distribution(uint64 rootIndex,bytes32 root,uint256 totalCumulative,uint64 throughL2Block,bytes32 throughL2BlockHash,bytes32 dataHash)"
    );

    struct Term {
        uint40 from;
        uint40 until;
    }

    uint256 public immutable quorum;
    mapping(address attester => Term) private _terms;

    constructor(address[] memory attesters, uint256 quorum_) EIP712("Tributary", "1") {
        require(quorum_ != 0 && quorum_ <= attesters.length, DistributorQuorum(attesters.length, quorum_));
        quorum = quorum_;
        for (uint256 i = 0; i < attesters.length; ++i) {
            _appoint(attesters[i], uint40(block.timestamp));
            emit AttesterReplaced(address(0), attesters[i], uint40(block.timestamp));
        }
    }

    /// @inheritdoc IRoyaltyDistributor
    function replaceAttester(address outgoing, address incoming) external onlyOwner {
        Term storage term = _terms[outgoing];
        require(term.until == type(uint40).max, DistributorNotAttester(outgoing));
        uint40 effectiveAt = uint40(block.timestamp) + ATTESTER_NOTICE;
        // Also one that is still to come: it then serves for the time between the two replacements.
        term.until = effectiveAt;
        _appoint(incoming, effectiveAt);
        emit AttesterReplaced(outgoing, incoming, effectiveAt);
    }

    /// @inheritdoc IRoyaltyDistributor
    function isAttester(address account) public view returns (bool) {
        Term memory term = _terms[account];
        return term.from != 0 && term.from <= block.timestamp && block.timestamp < term.until;
    }

    /// @inheritdoc IRoyaltyDistributor
    function distributionDigest(Distribution calldata d) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    DISTRIBUTION_TYPEHASH,
                    d.rootIndex,
                    d.root,
                    d.totalCumulative,
                    d.throughL2Block,
                    d.throughL2BlockHash,
                    d.dataHash
                )
            )
        );
    }

    function _requireQuorum(bytes32 digest, bytes[] calldata signatures)
        internal
        view
        returns (address[] memory signers)
    {
        require(signatures.length >= quorum, DistributorQuorum(signatures.length, quorum));
        signers = new address[](signatures.length);
        address previous = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            require(signer > previous, DistributorSignersNotAscending(previous, signer));
            require(isAttester(signer), DistributorNotAttester(signer));
            signers[i] = signer;
            previous = signer;
        }
    }

    function _appoint(address attester, uint40 from) private {
        require(attester != address(0), DistributorAddressZero());
        require(_terms[attester].from == 0, DistributorAttesterUsedBefore(attester));
        _terms[attester] = Term(from, type(uint40).max);
    }
}
