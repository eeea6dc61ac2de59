// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.26;

/// @title An emergency brake on intake that lets go by itself
/// @notice One fixed address may stop new money and new batches from coming in, for PAUSE_DURATION at most, and then
/// not again before the same time has passed. Nothing that lets money out is ever paused.
interface IIntakePause {
    event IntakePaused(address indexed pauser, uint40 until);
    event IntakeUnpaused(address indexed pauser);

    error PauseNotPauser(address caller, address pauser);
    error PauseTooSoon(uint40 earliest);
    error PauseInForce(uint40 until);

    /// @notice Stops intake until now + PAUSE_DURATION.
    /// @dev Requires the pauser, and that the last pause ended (or was to end) at least PAUSE_DURATION ago.
    function pauseIntake() external;

    /// @notice Ends a running pause at once. Requires the pauser. The next pause still has to wait.
    function unpauseIntake() external;

    /// @notice The only address that may pause; the zero address if nobody may.
    function pauser() external view returns (address);

    /// @notice End of the newest pause; intake is open when this is not in the future.
    function intakePausedUntil() external view returns (uint40);
}
