// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @notice What attesters sign: cumulative amounts of all payees, as a tree.
/// EIP-712: Distribution(uint64 rootIndex,bytes32 root,uint256 totalCumulative,uint64 throughL2Block,bytes32
/// throughL2BlockHash,bytes32 dataHash)
struct Distribution {
    uint64 rootIndex;
    bytes32 root;
    /// Sum of all leaves.
    uint256 totalCumulative;
    /// Batches finalised up to and in this block are counted.
    uint64 throughL2Block;
    bytes32 throughL2BlockHash;
    /// Hash of the published distribution file.
    bytes32 dataHash;
}

struct Root {
    bytes32 root;
    uint128 totalCumulative;
    uint64 throughL2Block;
    uint40 activatesAt;
    bool disabled;
}

struct Claim {
    address payee;
    uint256 cumulative;
    bytes32[] proof;
}

/// @title Pays what is owed
/// @notice A quorum of attesters signs a tree of cumulative amounts; after a delay, in which any one of them can
/// disable it, everyone in it can be paid. Leaf: keccak256(bytes.concat(keccak256(abi.encode(address payee, address
/// token, uint256 cumulative)))), pairs sorted (OpenZeppelin's StandardMerkleTree).
/// @dev Warning: that a tree is right is the attesters' word: one honest attester prevents a wrong one, a quorum makes
/// progress. What holds without them: a root never promises more than batches have paid in, pays no more than its
/// own total, and can't be replayed once disabled.
/// Warning: the governor may replace an attester, ATTESTER_NOTICE ahead; payees have that time to claim.
interface IRoyaltyDistributor {
    event RootSubmitted(
        uint64 indexed rootIndex,
        bytes32 indexed root,
        uint256 totalCumulative,
        uint64 throughL2Block,
        bytes32 throughL2BlockHash,
        bytes32 dataHash,
        uint40 activatesAt,
        address[] attesters
    );
    event RootDisabled(uint64 indexed rootIndex, address indexed attester);
    event Claimed(
        address indexed payee,
        address indexed recipient,
        uint64 indexed rootIndex,
        uint256 amount,
        uint256 cumulative
    );
    event ClaimSkipped(address indexed payee, uint64 indexed rootIndex, bytes reason);
    event RecipientSet(address indexed payee, address recipient);
    event Funded(uint64 indexed batchId, uint256 amount, uint256 totalFunded);
    /// @dev The outgoing attester stays one until effectiveAt, the incoming one becomes one then.
    event AttesterReplaced(address indexed outgoing, address indexed incoming, uint40 effectiveAt);

    error DistributorNotLedger(address caller);
    error DistributorNotAttester(address account);
    error DistributorAddressZero();
    error DistributorQuorum(uint256 signatures, uint256 quorum);
    error DistributorSignersNotAscending(address previous, address signer);
    error DistributorAttesterUsedBefore(address attester);
    error DistributorRootIndex(uint64 rootIndex, uint64 nextRootIndex);
    error DistributorRootZero();
    error DistributorRootUnknown(uint64 rootIndex);
    error DistributorRootDisabled(uint64 rootIndex);
    error DistributorRootNotActive(uint64 rootIndex, uint40 activatesAt);
    error DistributorRootActive(uint64 rootIndex, uint40 activatesAt);
    error DistributorTotalFell(uint256 totalCumulative, uint256 previous);
    error DistributorTotalNotFunded(uint256 totalCumulative, uint256 totalFunded);
    error DistributorBlockFell(uint64 throughL2Block, uint64 previous);
    error DistributorBlockNotPast(uint64 throughL2Block, uint256 blockNumber);
    error DistributorBlockHash(uint64 throughL2Block, bytes32 given, bytes32 found);
    error DistributorProofInvalid(address payee, uint256 cumulative);
    error DistributorNothingToClaim(address payee, uint256 cumulative, uint256 claimed);
    error DistributorRootExhausted(uint64 rootIndex, uint256 totalCumulative, uint256 wouldBeClaimed);

    /// @notice Submits the next root with its quorum; it becomes claimable after ACTIVATION_DELAY. Anyone may.
    /// @dev Requires rootIndex = nextRootIndex; a root that is not zero; total and block not below those of the newest
    /// root that is not disabled; total ≤ totalFunded; throughL2Block past, and its hash right where the chain still
    /// knows it (BLOCKHASH or EIP-2935); signatures of at least `quorum` attesters, ascending by signer.
    function submitRoot(Distribution calldata distribution, bytes[] calldata signatures) external;

    /// @notice Disables a root that is not active yet, for good. Requires an attester. Its index stays used.
    function disableRoot(uint64 rootIndex) external;

    /// @notice Pays a payee (or the recipient it set) all it is owed by an active root. Anyone may.
    /// @dev Requires an active root, a valid proof, more than was claimed before, and that the root's total covers it.
    function claim(uint64 rootIndex, address payee, uint256 cumulative, bytes32[] calldata proof) external;

    /// @notice Pays many. A claim that can't be paid (nothing new, wrong proof, a token that refuses the recipient) is
    /// skipped with its reason and never blocks the others.
    function claimMany(uint64 rootIndex, Claim[] calldata claims) external;

    /// @notice Sets where the caller's claims are paid; the zero address means to itself.
    function setRecipient(address recipient) external;

    /// @notice Counts a finalised batch's fee, which was just transferred here. Ledger only.
    function fund(uint64 batchId, uint64 amount) external;

    /// @notice Replaces an attester by another, effective after ATTESTER_NOTICE. Governor only.
    /// @dev Requires an attester (or one to come) that is not already on its way out, and one that never was an
    /// attester.
    function replaceAttester(address outgoing, address incoming) external;

    /// @notice Reverts with DistributorRootUnknown if there is no such root.
    function root(uint64 rootIndex) external view returns (Root memory);

    /// @notice The index that the next submitted root must have; the first is 1. Disabled roots keep theirs.
    function nextRootIndex() external view returns (uint64);

    function token() external view returns (IERC20);

    /// @notice The only address that may fund.
    function ledger() external view returns (address);

    function claimed(address payee) external view returns (uint256);

    /// @notice Where the payee's claims are paid.
    function recipientOf(address payee) external view returns (address);

    function totalClaimed() external view returns (uint256);

    function totalFunded() external view returns (uint256);

    function isAttester(address account) external view returns (bool);

    function quorum() external view returns (uint256);

    /// @notice EIP-712 digest that attesters sign.
    function distributionDigest(Distribution calldata distribution) external view returns (bytes32);
}
