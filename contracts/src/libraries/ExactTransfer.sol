// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Transfers that must arrive whole
/// @notice Refuses tokens that take a fee on the way; tolerates tokens that return nothing.
library ExactTransfer {
    using SafeERC20 for IERC20;

    error TransferNotExact(uint256 expected, uint256 arrived);

    /// @notice Pulls `amount` from `from` to this contract, or reverts.
    function pull(IERC20 token, address from, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        _requireExact(amount, token.balanceOf(address(this)) - before);
    }

    /// @notice Sends `amount` to a contract of ours, which counts on it, or reverts.
    function push(IERC20 token, address to, uint256 amount) internal {
        uint256 before = token.balanceOf(to);
        token.safeTransfer(to, amount);
        _requireExact(amount, token.balanceOf(to) - before);
    }

    function _requireExact(uint256 expected, uint256 arrived) private pure {
        require(arrived == expected, TransferNotExact(expected, arrived));
    }
}
