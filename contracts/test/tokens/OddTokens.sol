// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @notice Six decimals, as much as one likes, and a fault of its own in each that stands on it.
abstract contract OddToken is ERC20 {
    constructor(string memory name_, string memory symbol_) ERC20(name_, symbol_) {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}

/// @notice Takes one unit on every transfer while its fee is on.
contract FeeToken is OddToken("Fee", "FEE") {
    bool public feeOn = true;

    function setFee(bool on) external {
        feeOn = on;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (feeOn && from != address(0) && to != address(0)) super._update(to, address(0), 1);
    }
}

/// @notice Balances are shares of a supply that grows: what arrives is rounded down.
contract RebasingToken is OddToken("Rebasing", "REB") {
    uint256 private constant UNITS_PER_MILLION_SHARES = 1_000_003;

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * UNITS_PER_MILLION_SHARES / 1e6;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, from == address(0) ? value : value * 1e6 / UNITS_PER_MILLION_SHARES);
    }
}

/// @notice Returns nothing from transfers, as the first tokens did.
contract SilentToken {
    uint8 public constant decimals = 6;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Refuses transfers from and to listed addresses, and can rebase.
contract BlacklistToken is OddToken("Blacklist", "BLK") {
    mapping(address => bool) public listed;

    function list(address account, bool refused) external {
        listed[account] = refused;
    }

    /// Takes balance away without a transfer, as a rebase does.
    function shrink(address account, uint256 amount) external {
        _burn(account, amount);
    }

    function _update(address from, address to, uint256 value) internal override {
        require(!listed[from] && !listed[to], "listed");
        super._update(from, to, value);
    }
}

/// @notice Refuses to move nothing.
contract NonzeroToken is OddToken("Nonzero", "NZ") {
    function _update(address from, address to, uint256 value) internal override {
        require(value != 0, "nothing");
        super._update(from, to, value);
    }
}

/// @notice Calls the recipient after a transfer, as ERC-777 does.
contract CallbackToken is OddToken("Callback", "CBK") {
    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (to.code.length != 0 && from != address(0)) {
            (bool success,) = to.call(abi.encodeWithSignature("tokensReceived(uint256)", value));
            success;
        }
    }
}

/// @notice Tells decimals of its own choice.
contract DecimalsToken is ERC20("Decimals", "DEC") {
    uint8 private immutable _decimals;

    constructor(uint8 decimals_) {
        _decimals = decimals_;
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}

/// @notice Makes one call that was set up before, in the middle of a transfer, and may refuse that transfer by its answer.
contract HookToken is OddToken("Hook", "HK") {
    address private _target;
    bytes private _data;
    bool private _refuses;
    bool public called;

    function arm(address target, bytes calldata data, bool refuses) external {
        (_target, _data, _refuses, called) = (target, data, refuses, false);
    }

    function transfer(address to, uint256 value) public override returns (bool) {
        if (_target == address(0)) return super.transfer(to, value);
        (address target, bool refuses) = (_target, _refuses);
        _target = address(0);
        (called,) = target.call(_data);
        return !refuses && super.transfer(to, value);
    }
}
