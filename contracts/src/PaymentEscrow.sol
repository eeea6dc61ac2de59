// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Charge} from "../interfaces/BatchTypes.sol";
import {AccountView, IPaymentEscrow} from "../interfaces/IPaymentEscrow.sol";
import {IntakePause} from "./IntakePause.sol";
import {SpendPermissions} from "./SpendPermissions.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {THAW_DELAY} from "./Windows.sol";

contract PaymentEscrow is SpendPermissions, IntakePause, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using ExactTransfer for IERC20;

    uint8 public constant MAX_TOKEN_DECIMALS = 9;

    IERC20 public immutable token;
    address public immutable ledger;
    address public immutable distributor;

    mapping(address payer => mapping(address operator => uint64)) private _debts;
    /// @inheritdoc IPaymentEscrow
    mapping(uint64 batchId => mapping(address payer => uint64)) public shortfallOf;

    modifier onlyLedger() {
        require(msg.sender == ledger, EscrowNotLedger(msg.sender));
        _;
    }

    constructor(IERC20Metadata token_, address ledger_, address distributor_, address pauser_)
        IntakePause(pauser_)
    {
        require(ledger_ != address(0) && distributor_ != address(0), EscrowAddressZero());
        uint8 decimals = token_.decimals();
        require(decimals <= MAX_TOKEN_DECIMALS, EscrowTokenDecimals(decimals, MAX_TOKEN_DECIMALS));
        token = token_;
        ledger = ledger_;
        distributor = distributor_;
    }

    /* DEPOSIT AND WITHDRAWAL */

    /// @inheritdoc IPaymentEscrow
    function deposit(address payer, address operator, uint64 amount) external nonReentrant whenIntakeOpen {
        require(payer != address(0) && operator != address(0), EscrowAddressZero());
        require(amount != 0, EscrowAmountZero());
        _credit(payer, operator, amount);
        emit Deposited(payer, operator, msg.sender, amount);
        token.pull(msg.sender, amount);
    }

    /// @inheritdoc IPaymentEscrow
    function thaw(address operator, uint64 amount) external {
        require(amount != 0, EscrowAmountZero());
        Account storage account_ = _accounts[msg.sender][operator];
        Notice storage notice = _notices[msg.sender][operator];
        uint64 thawing = _thawing(account_, notice);
        uint64 balance = account_.balance;
        require(balance - thawing >= amount, EscrowBalanceTooSmall(balance - thawing, amount));
        notice.thawing = thawing + amount;
        notice.thawEnd = uint40(block.timestamp) + THAW_DELAY;
        account_.flags |= THAWING;
        emit ThawStarted(msg.sender, operator, thawing + amount, notice.thawEnd);
    }

    /// @inheritdoc IPaymentEscrow
    function cancelThaw(address operator) external {
        _endThaw(msg.sender, operator);
        emit ThawCancelled(msg.sender, operator);
    }

    /// @inheritdoc IPaymentEscrow
    function withdraw(address operator) external nonReentrant {
        Account storage account_ = _accounts[msg.sender][operator];
        Notice storage notice = _notices[msg.sender][operator];
        uint64 amount = _thawing(account_, notice);
        uint40 thawEnd = notice.thawEnd;
        _endThaw(msg.sender, operator);
        require(block.timestamp >= thawEnd, EscrowThawing(thawEnd));
        account_.balance -= amount;
        emit Withdrawn(msg.sender, operator, amount);
        // Some tokens refuse to move nothing; here and below that must not hold anyone up.
        if (amount != 0) token.safeTransfer(msg.sender, amount);
    }

    /* COLLECTION */

    /// @inheritdoc IPaymentEscrow
    function collect(uint64 batchId, address operator, uint40 judgedAt, Charge[] calldata charges)
        external
        onlyLedger
        returns (uint64 total)
    {
        address previous = address(0);
        uint64 short = 0;
        for (uint256 i = 0; i < charges.length; ++i) {
            Charge calldata charge = charges[i];
            require(charge.payer > previous, EscrowPayersNotAscending(previous, charge.payer));
            previous = charge.payer;
            total += charge.amount;
            uint64 missing = charge.amount - _take(charge.payer, operator, charge.amount, judgedAt);
            if (missing != 0) {
                short += missing;
                _recordShortfall(batchId, charge.payer, operator, missing);
            }
        }
        if (short != 0) _payShortfalls(operator, short);
    }

    /// @inheritdoc IPaymentEscrow
    function collectDebt(address payer, address operator) external {
        uint64 debt = _debts[payer][operator];
        uint64 taken = _take(payer, operator, debt, uint40(block.timestamp));
        require(taken != 0, EscrowNothingToCollect(payer, operator));
        _debts[payer][operator] = debt - taken;
        _credit(operator, operator, taken);
        emit DebtCollected(payer, operator, taken);
    }

    /// @inheritdoc IPaymentEscrow
    function refund(uint64 batchId, address payer, address operator, uint64 amount) external onlyLedger {
        uint64 short = shortfallOf[batchId][payer];
        uint64 operatorAmount = 0;
        if (short != 0) {
            // The operator gets back what it paid and has not collected from the payer since; the rest is the payer's.
            uint64 debt = _debts[payer][operator];
            operatorAmount = short < debt ? short : debt;
            _debts[payer][operator] = debt - operatorAmount;
            delete shortfallOf[batchId][payer];
            _credit(operator, operator, operatorAmount);
        }
        uint64 payerAmount = amount - operatorAmount;
        _credit(payer, operator, payerAmount);
        _accounts[payer][operator].collected -= payerAmount;
        emit Refunded(batchId, payer, operator, payerAmount, operatorAmount);
    }

    /// @inheritdoc IPaymentEscrow
    function releaseCustody(uint64 batchId, uint64 amount) external onlyLedger nonReentrant {
        emit CustodyReleased(batchId, amount);
        if (amount != 0) token.push(distributor, amount);
    }

    /* VIEWS */

    /// @inheritdoc IPaymentEscrow
    function account(address payer, address operator) external view returns (AccountView memory) {
        Account memory account_ = _accounts[payer][operator];
        Notice memory notice = _notices[payer][operator];
        uint40 deadValidUntil = _formers[payer][operator].deadValidUntil;
        bool pending = account_.flags & LOWERING != 0;
        if (pending && block.timestamp >= notice.loweringAt) {
            // Due, and carried out by whoever touches the account next.
            pending = false;
            deadValidUntil = notice.loweredValidUntil;
            if (account_.validUntil <= deadValidUntil) {
                account_.cap = notice.loweredCap;
                account_.validUntil = notice.loweredValidUntil;
            }
        }
        uint64 thawing = notice.thawing < account_.balance ? notice.thawing : account_.balance;
        return AccountView({
            balance: account_.balance,
            collected: account_.collected,
            cap: account_.cap,
            validUntil: account_.validUntil,
            thawing: thawing,
            thawEnd: thawing == 0 ? 0 : notice.thawEnd,
            loweredCap: pending ? notice.loweredCap : 0,
            loweredValidUntil: pending ? notice.loweredValidUntil : 0,
            loweringAt: pending ? notice.loweringAt : 0,
            deadValidUntil: deadValidUntil,
            debt: _debts[payer][operator]
        });
    }

    /* INTERNAL */

    /// @dev As much of `amount` as balance, cap and expiry allow leaves the account.
    function _take(address payer, address operator, uint64 amount, uint40 judgedAt)
        private
        returns (uint64 taken)
    {
        Account memory account_ = _accounts[payer][operator];
        if (account_.flags & (LOWERING | DEAD) != 0) {
            _settleLowering(payer, operator);
            account_ = _accounts[payer][operator];
        }
        uint64 limit = _spendable(payer, operator, account_, judgedAt);
        if (account_.balance < limit) limit = account_.balance;
        taken = amount < limit ? amount : limit;
        if (taken == 0) return 0;
        account_.balance -= taken;
        account_.collected += taken;
        _accounts[payer][operator] = account_;
    }

    function _recordShortfall(uint64 batchId, address payer, address operator, uint64 amount) private {
        shortfallOf[batchId][payer] = amount;
        _debts[payer][operator] += amount;
        emit Shortfall(payer, operator, batchId, amount);
    }

    function _payShortfalls(address operator, uint64 amount) private {
        Account storage own = _accounts[operator][operator];
        require(own.balance >= amount, EscrowOperatorDepositTooSmall(operator, own.balance, amount));
        own.balance -= amount;
    }

    /// @dev New money never thaws: what thaws is cut to the old balance first, which charges may have lowered.
    function _credit(address payer, address operator, uint64 amount) private {
        Account storage account_ = _accounts[payer][operator];
        if (account_.flags & THAWING != 0) {
            Notice storage notice = _notices[payer][operator];
            if (notice.thawing > account_.balance) notice.thawing = account_.balance;
        }
        account_.balance += amount;
    }

    function _endThaw(address payer, address operator) private {
        Account storage account_ = _accounts[payer][operator];
        require(account_.flags & THAWING != 0, EscrowNothingThawing(payer, operator));
        account_.flags &= ~THAWING;
        _notices[payer][operator].thawing = 0;
        _notices[payer][operator].thawEnd = 0;
    }

    function _thawing(Account storage account_, Notice storage notice) private view returns (uint64) {
        uint64 thawing = notice.thawing;
        return thawing < account_.balance ? thawing : account_.balance;
    }
}
