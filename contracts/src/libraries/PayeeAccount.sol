// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// One word per payee. From the lowest bit: claimed (96), the recipient it set (160, zero where it set none).
type PayeeAccount is uint256;

/// Holds one, so that its place is computed once for reading and writing.
struct Payee {
    PayeeAccount account;
}

using PayeeAccounts for PayeeAccount global;

/// @title Reading and writing of a PayeeAccount's fields
library PayeeAccounts {
    function claimed(PayeeAccount account) internal pure returns (uint96) {
        return uint96(PayeeAccount.unwrap(account));
    }

    /// @notice Where `payee`, whose account this is, is paid.
    function recipientOf(PayeeAccount account, address payee) internal pure returns (address recipient) {
        recipient = address(uint160(PayeeAccount.unwrap(account) >> 96));
        if (recipient == address(0)) recipient = payee;
    }

    /// @notice More claimed. Requires that the sum fits 96 bits: no root's total takes more than 88.
    function add(PayeeAccount account, uint256 amount) internal pure returns (PayeeAccount) {
        unchecked {
            return PayeeAccount.wrap(PayeeAccount.unwrap(account) + amount);
        }
    }

    /// @notice Less claimed. Requires an amount that was added.
    function subtract(PayeeAccount account, uint256 amount) internal pure returns (PayeeAccount) {
        unchecked {
            return PayeeAccount.wrap(PayeeAccount.unwrap(account) - amount);
        }
    }

    function withRecipient(PayeeAccount account, address recipient) internal pure returns (PayeeAccount) {
        return PayeeAccount.wrap(uint256(uint160(recipient)) << 96 | account.claimed());
    }
}
