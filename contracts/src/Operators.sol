// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Bond, IOperators, KeyActivity, Price} from "../interfaces/IOperators.sol";
import {IntakePause} from "./IntakePause.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {BOND_WITHDRAWAL_DELAY, BOND_WITHDRAWAL_SPAN, PPM, PRICE_FALL_NOTICE, PRICE_RISE_NOTICE} from "./Windows.sol";

contract Operators is IOperators, IntakePause, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using ExactTransfer for IERC20;

    /// The rest of a slash goes to BURN_ADDRESS: a challenger in league with the operator can't get it back.
    uint256 public constant SLASH_REWARD_PPM = 200_000;
    address public constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;

    IERC20 public immutable token;
    address public immutable ledger;
    uint64 public immutable minReserve;
    uint32 public immutable reservePpm;

    mapping(address operator => Bond) private _bonds;
    mapping(address operator => mapping(uint16 lane => mapping(address key => KeyActivity))) private _keys;
    // Effective times never fall along a list: the newest entry with effectiveAt ≤ t is in force at t.
    mapping(address operator => mapping(uint32 assetId => Price[])) private _prices;

    modifier onlyLedger() {
        require(msg.sender == ledger, OperatorsNotLedger(msg.sender));
        _;
    }

    constructor(IERC20 token_, address ledger_, uint64 minReserve_, uint32 reservePpm_, address pauser_)
        IntakePause(pauser_)
    {
        require(address(token_) != address(0) && ledger_ != address(0), OperatorsAddressZero());
        token = token_;
        ledger = ledger_;
        minReserve = minReserve_;
        reservePpm = reservePpm_;
    }

    /* BONDS */

    /// @inheritdoc IOperators
    function depositBond(address operator, uint64 amount) external nonReentrant whenIntakeOpen {
        require(operator != address(0), OperatorsAddressZero());
        require(amount != 0, OperatorsAmountZero());
        _bonds[operator].amount += amount;
        emit BondDeposited(operator, msg.sender, amount);
        token.pull(msg.sender, amount);
    }

    /// @inheritdoc IOperators
    function requestWithdrawal(uint64 amount) external {
        require(amount != 0, OperatorsAmountZero());
        Bond storage bond_ = _bonds[msg.sender];
        uint64 free = _free(bond_);
        require(free >= amount, OperatorsBondTooSmall(msg.sender, free, amount));
        bond_.withdrawing += amount;
        bond_.availableAt = uint40(block.timestamp) + BOND_WITHDRAWAL_DELAY;
        emit BondWithdrawalRequested(msg.sender, bond_.withdrawing, bond_.availableAt);
    }

    /// @inheritdoc IOperators
    function cancelWithdrawal() external {
        Bond storage bond_ = _bonds[msg.sender];
        require(bond_.withdrawing != 0, OperatorsNothingToWithdraw(msg.sender));
        bond_.withdrawing = 0;
        bond_.availableAt = 0;
        emit BondWithdrawalCancelled(msg.sender);
    }

    /// @inheritdoc IOperators
    function withdrawBond() external nonReentrant {
        Bond storage bond_ = _bonds[msg.sender];
        uint64 amount = bond_.withdrawing;
        require(amount != 0, OperatorsNothingToWithdraw(msg.sender));
        uint40 from = bond_.availableAt;
        require(block.timestamp >= from, OperatorsWithdrawalTooEarly(from));
        uint40 until = from + BOND_WITHDRAWAL_SPAN;
        require(block.timestamp <= until, OperatorsWithdrawalLapsed(until));
        bond_.withdrawing = 0;
        bond_.availableAt = 0;
        bond_.amount -= amount;
        emit BondWithdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IOperators
    function reserve(address operator, uint64 batchId, uint64 totalFee)
        external
        onlyLedger
        returns (uint64 held)
    {
        held = reserveFor(totalFee);
        Bond storage bond_ = _bonds[operator];
        uint64 free = _free(bond_);
        require(free >= held, OperatorsBondTooSmall(operator, free, held));
        bond_.reserved += held;
        emit BondReserved(operator, batchId, held);
    }

    /// @inheritdoc IOperators
    function release(address operator, uint64 batchId, uint64 held) external onlyLedger {
        _bonds[operator].reserved -= held;
        emit BondReleased(operator, batchId, held);
    }

    /// @inheritdoc IOperators
    function slash(address operator, uint64 batchId, uint64 held, address challenger)
        external
        onlyLedger
        nonReentrant
    {
        Bond storage bond_ = _bonds[operator];
        (uint64 reserved, uint64 amount) = (bond_.reserved - held, bond_.amount - held);
        (bond_.reserved, bond_.amount) = (reserved, amount);
        _payOut(operator, batchId, held, challenger);
    }

    /// @inheritdoc IOperators
    function penalize(address operator, uint64 amount, address challenger)
        external
        onlyLedger
        nonReentrant
        returns (uint64 taken)
    {
        Bond storage bond_ = _bonds[operator];
        uint64 loose = bond_.amount - bond_.reserved;
        taken = amount < loose ? amount : loose;
        bond_.amount -= taken;
        // What was asked back is taken last, but taken: asking for it is no way out.
        if (bond_.withdrawing > loose - taken) bond_.withdrawing = loose - taken;
        _payOut(operator, 0, taken, challenger);
    }

    /* KEYS */

    /// @inheritdoc IOperators
    function addKey(uint16 lane, address key) external {
        require(key != address(0), OperatorsKeyZero());
        KeyActivity storage activity = _keys[msg.sender][lane][key];
        require(activity.addedAt == 0, OperatorsKeyUsedBefore(lane, key));
        activity.addedAt = uint40(block.timestamp);
        emit KeyAdded(msg.sender, lane, key, uint40(block.timestamp));
    }

    /// @inheritdoc IOperators
    function revokeKey(uint16 lane, address key) external {
        KeyActivity storage activity = _keys[msg.sender][lane][key];
        require(activity.addedAt != 0 && activity.revokedAt == 0, OperatorsKeyNotActive(lane, key));
        activity.revokedAt = uint40(block.timestamp);
        emit KeyRevoked(msg.sender, lane, key, uint40(block.timestamp));
    }

    /* PRICES */

    /// @inheritdoc IOperators
    function setPrice(uint32 assetId, uint64 inputPrice, uint64 outputPrice) external {
        Price[] storage prices = _prices[msg.sender][assetId];
        uint40 effectiveAt = uint40(block.timestamp);
        if (prices.length != 0) {
            Price memory newest = prices[prices.length - 1];
            bool rises = inputPrice > newest.inputPrice || outputPrice > newest.outputPrice;
            effectiveAt += rises ? PRICE_RISE_NOTICE : PRICE_FALL_NOTICE;
            if (effectiveAt < newest.effectiveAt) effectiveAt = newest.effectiveAt;
        }
        prices.push(Price(inputPrice, outputPrice, effectiveAt));
        emit PricePublished(msg.sender, assetId, inputPrice, outputPrice, effectiveAt);
    }

    /* VIEWS */

    /// @inheritdoc IOperators
    function bond(address operator) external view returns (Bond memory) {
        return _bonds[operator];
    }

    /// @inheritdoc IOperators
    function freeBond(address operator) external view returns (uint64) {
        return _free(_bonds[operator]);
    }

    /// @inheritdoc IOperators
    function reserveFor(uint64 totalFee) public view returns (uint64) {
        uint256 part = (uint256(totalFee) * reservePpm + PPM - 1) / PPM;
        uint256 held = minReserve + part;
        // No bond is that large, so the commit fails with the figures instead of an overflow.
        return held > type(uint64).max ? type(uint64).max : uint64(held);
    }

    /// @inheritdoc IOperators
    function keyActivity(address operator, uint16 lane, address key)
        external
        view
        returns (KeyActivity memory)
    {
        return _keys[operator][lane][key];
    }

    /// @inheritdoc IOperators
    function keyActiveIn(address operator, uint16 lane, address key, uint40 from, uint40 to)
        external
        view
        returns (bool)
    {
        KeyActivity memory activity = _keys[operator][lane][key];
        return activity.addedAt != 0 && activity.addedAt <= to
            && (activity.revokedAt == 0 || activity.revokedAt >= from);
    }

    /// @inheritdoc IOperators
    function priceAt(address operator, uint32 assetId, uint40 time) external view returns (Price memory) {
        Price[] storage prices = _prices[operator][assetId];
        uint256 low = 0;
        uint256 high = prices.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (prices[middle].effectiveAt <= time) low = middle + 1;
            else high = middle;
        }
        return low == 0 ? Price(0, 0, 0) : prices[low - 1];
    }

    /* INTERNAL */

    /// @dev reserved + withdrawing never exceed the amount: both are only ever taken out of what is free.
    function _free(Bond storage bond_) private view returns (uint64) {
        return bond_.amount - bond_.reserved - bond_.withdrawing;
    }

    /// @dev A token that refuses the challenger or the burn address must not save the guilty: what can't be sent stays
    /// here, owned by nobody.
    function _payOut(address operator, uint64 batchId, uint64 amount, address challenger) private {
        uint64 reward = uint64(amount * SLASH_REWARD_PPM / PPM);
        emit BondSlashed(operator, batchId, challenger, reward, amount - reward);
        token.trySafeTransfer(challenger, reward);
        token.trySafeTransfer(BURN_ADDRESS, amount - reward);
    }
}
