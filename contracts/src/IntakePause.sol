// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IIntakePause} from "../interfaces/IIntakePause.sol";
import {PAUSE_DURATION, POST_DEADLINE} from "./Windows.sol";

abstract contract IntakePause is IIntakePause {
    address public immutable pauser;

    // Ten bytes, at the start of slot 0: the ledger packs its batch counter beside them.
    uint40 public intakePausedUntil;
    uint40 private _nextPauseAt;

    modifier whenIntakeOpen() {
        require(block.timestamp >= intakePausedUntil, PauseInForce(intakePausedUntil));
        _;
    }

    modifier onlyPauser() {
        require(msg.sender == pauser, PauseNotPauser(msg.sender, pauser));
        _;
    }

    constructor(address pauser_) {
        pauser = pauser_;
    }

    /// @dev POST_DEADLINE ago, not counting a pause of intake that ended since then. Intake is open.
    function _postDeadlineAgo() internal view returns (uint40 time) {
        time = uint40(block.timestamp) - POST_DEADLINE;
        if (intakePausedUntil > time) time -= intakePausedUntil - (_nextPauseAt - 2 * PAUSE_DURATION);
    }

    /// @inheritdoc IIntakePause
    function pauseIntake() external onlyPauser {
        uint40 time = uint40(block.timestamp);
        require(time >= _nextPauseAt, PauseTooSoon(_nextPauseAt));
        intakePausedUntil = time + PAUSE_DURATION;
        _nextPauseAt = time + 2 * PAUSE_DURATION;
        emit IntakePaused(msg.sender, time + PAUSE_DURATION);
    }

    /// @inheritdoc IIntakePause
    function unpauseIntake() external onlyPauser {
        if (intakePausedUntil > block.timestamp) intakePausedUntil = uint40(block.timestamp);
        emit IntakeUnpaused(msg.sender);
    }
}
