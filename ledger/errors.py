"""Every error that Tributary raises on purpose, as one tree.

The two middle classes answer the only question that a loop asks: is it worth trying again?

    TributaryError
    ├── RetryableError                  the same call may succeed later
    │   ├── RpcUnavailableError         a node did not answer, or answered with a passing fault
    │   │   └── RpcRateLimitedError     … and said to slow down
    │   ├── MalformedAnswerError        a node answered nonsense
    │   ├── BlockNotFoundError          no node asked has this block now
    │   ├── BeaconUnavailableError      the beacon endpoint did not answer
    │   ├── BlobNotAvailableError       nobody asked holds this blob now
    │   ├── ArchiveUnavailableError     the blob archive does not answer
    │   ├── DataLayerUnavailableError   the Alt-DA server does not answer, or does not keep what it was given
    │   ├── DatabaseUnavailableError    PostgreSQL is away
    │   ├── NotYetFinalError            the chain has not come far enough
    │   ├── QuorumMissingError          too few attesters have signed
    │   ├── ReorgDetectedError          a block that was built upon is no longer in the chain
    │   ├── TransactionPendingError     sent, not yet in a block
    │   ├── TransactionUnderpricedError the node wants a higher fee (gas or blob gas)
    │   ├── FeeTooHighError             the market asks for more than the set ceiling
    │   ├── UpstreamUnavailableError    a model server is away
    │   ├── EngineStoppedError          the embedded engine does not run
    │   └── OverloadedError             too much work queued
    └── PermanentError                  the same call fails for ever
        ├── UsageError                  the caller asked for something that cannot be done
        │   ├── SettingsError           a setting is missing or wrong
        │   ├── ToolMissingError        a program that is needed is not there
        │   ├── PortTakenError          somebody else listens on that port
        │   ├── WrongChainError         the node serves another chain
        │   ├── DeploymentMissingError  no deployment file for that chain
        │   ├── UnknownModelError       no such model or adapter is served
        │   ├── NotFoundError           the ledger has nothing under that name
        │   ├── ContextLengthError      prompt and answer are longer than the model's context
        │   └── ChatTemplateError       messages that the model's chat template cannot render
        ├── ProcessFailedError          a program that was started ended badly
        ├── CheckpointError             weights or tokenizer files are missing or unfit
        ├── AdapterMismatchError        adapter files are not the registered content
        ├── InsufficientFundsError      an account can not pay
        ├── RpcRejectedError            a node refused the call for good
        ├── ContractRevertedError       a contract refused the call
        ├── TransactionSupersededError  another transaction used the nonce
        ├── LaneFencedError             another writer owns this lane or this table
        ├── ReorgTooDeepError           a finalised block was replaced
        ├── ProtocolError               bytes or numbers break the protocol
        │   ├── MalformedInputError     not the text, bytes or JSON that is asked for
        │   ├── BadSignatureError       does not recover to the expected address
        │   ├── InvalidReceiptError
        │   ├── InvalidAuthorizationError
        │   ├── InvalidAttributionSetError
        │   ├── MalformedLogError       an event that can not be read
        │   ├── BlobFormatError
        │   ├── BatchOverflowError
        │   ├── KzgError
        │   ├── ExplainError            a file that explains an amount does not hold
        │   └── BatchMismatchError      blobs and batch_commitment differ
        └── LedgerDifferenceError       two readings that must agree do not
            ├── OverAllocatedError      more is owed than was charged
            ├── ConservationError       the conservation identity does not hold
            └── WrongRootError          an attester computes another distribution

A message is one sentence for the person who reads it on stderr: what is wrong and, where it helps, what to do.
Leaves are added where the caller of a function needs to tell them apart; everything else is a message.
"""

from __future__ import annotations


class TributaryError(Exception):
    """Something went wrong in Tributary."""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or (type(self).__doc__ or "").splitlines()[0])


class RetryableError(TributaryError):
    """The operation failed for a passing reason; try again later."""


class RpcUnavailableError(RetryableError):
    """A chain node did not answer."""


class RpcRateLimitedError(RpcUnavailableError):
    """A chain node asked for fewer requests."""

    def __init__(self, sentence: str = "", retry_after_seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class MalformedAnswerError(RetryableError):
    """A node or beacon endpoint answered nonsense."""


class BlockNotFoundError(RetryableError):
    """No node has this block: it is not there yet, or it was replaced."""


class BeaconUnavailableError(RetryableError):
    """The beacon endpoint did not answer."""


class BlobNotAvailableError(RetryableError):
    """No source that was asked holds the blob."""


class ArchiveUnavailableError(RetryableError):
    """The blob archive does not answer."""


class DataLayerUnavailableError(RetryableError):
    """The Alt-DA server does not answer, or not as it should."""


class DatabaseUnavailableError(RetryableError):
    """PostgreSQL does not answer."""


class NotYetFinalError(RetryableError):
    """The chain has not yet finalised what is asked for."""


class QuorumMissingError(RetryableError):
    """Too few attesters have signed the distribution."""


class ReorgDetectedError(RetryableError):
    """A block that was built upon is no longer in the chain."""


class TransactionPendingError(RetryableError):
    """The transaction is not yet in a block."""


class TransactionUnderpricedError(RetryableError):
    """The node wants a higher fee for this transaction."""


class FeeTooHighError(RetryableError):
    """The market asks for more than the set ceiling."""


class UpstreamUnavailableError(RetryableError):
    """The model server does not answer."""


class EngineStoppedError(RetryableError):
    """The embedded engine is not running."""


class OverloadedError(RetryableError):
    """Too many requests are waiting."""

    def __init__(self, sentence: str = "", retry_after_seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after_seconds = retry_after_seconds


class PermanentError(TributaryError):
    """The operation can not succeed, however often it is tried."""


class UsageError(PermanentError):
    """This can not be done as it was asked for."""


class SettingsError(UsageError):
    """A setting is missing or wrong."""


class ToolMissingError(UsageError):
    """A program that is needed is not installed."""


class PortTakenError(UsageError):
    """Another program listens on that port."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        super().__init__(f"Port {port} on {host} is taken by another program; choose another one or stop that program.")
        self.port, self.host = port, host


class WrongChainError(UsageError):
    """The node serves another chain than expected."""

    def __init__(self, endpoint: str, expected: int, actual: int) -> None:
        super().__init__(f"The node at {endpoint} serves chain {actual}, but chain {expected} is expected.")
        self.endpoint, self.expected, self.actual = endpoint, expected, actual


class DeploymentMissingError(UsageError):
    """There is no deployment file for this chain."""


class UnknownModelError(UsageError):
    """No model or adapter of this name is served."""


class ContextLengthError(UsageError):
    """Prompt and answer together are longer than the model's context."""

    def __init__(self, prompt_tokens: int, max_tokens: int, context_tokens: int) -> None:
        super().__init__(
            f"This model's context is {context_tokens} tokens; the prompt has {prompt_tokens} and the answer may take "
            f"{max_tokens}. Shorten the prompt or ask for a shorter answer."
        )
        self.prompt_tokens = prompt_tokens
        self.max_tokens = max_tokens
        self.context_tokens = context_tokens


class ChatTemplateError(UsageError):
    """The messages do not fit the model's chat template."""


class NotFoundError(UsageError):
    """The ledger has nothing under that name."""


class ProcessFailedError(PermanentError):
    """A program that Tributary started ended badly."""


class CheckpointError(PermanentError):
    """Model, adapter or tokenizer files are missing, malformed or of a kind that is not computed."""


class AdapterMismatchError(PermanentError):
    """The adapter's files are not the registered content."""


class InsufficientFundsError(PermanentError):
    """An account holds too little to pay for this."""


class RpcRejectedError(PermanentError):
    """A node refused the call for good."""

    def __init__(self, sentence: str = "", code: int = 0, data: object = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.data = data


class ContractRevertedError(PermanentError):
    """A contract refused the call."""

    def __init__(
        self, sentence: str = "", error_name: str | None = None, operands: dict[str, object] | None = None
    ) -> None:
        """Keep the contract's custom error, if it was decoded: its name and its operands by name."""
        super().__init__(sentence)
        self.error_name = error_name
        self.operands = operands or {}


class TransactionSupersededError(PermanentError):
    """Another transaction used this nonce."""


class LaneFencedError(PermanentError):
    """Another writer has taken over."""


class ReorgTooDeepError(PermanentError):
    """A block that the chain had called final was replaced."""


class ProtocolError(PermanentError):
    """Bytes or numbers break the protocol."""


class MalformedInputError(ProtocolError):
    """The input is not of the form that is asked for."""


class BadSignatureError(ProtocolError):
    """The signature does not recover to the expected address."""


class InvalidReceiptError(ProtocolError):
    """The receipt breaks the protocol."""


class InvalidAuthorizationError(ProtocolError):
    """The spend authorization is not valid."""


class InvalidAttributionSetError(ProtocolError):
    """The attribution set breaks the protocol."""


class MalformedLogError(ProtocolError):
    """A log or answer does not hold what its ABI says."""


class BlobFormatError(ProtocolError):
    """The blobs do not hold a batch of format 1."""


class BatchOverflowError(ProtocolError):
    """The receipts do not fit one batch."""


class KzgError(ProtocolError):
    """The KZG library refused a blob, a commitment or a proof."""


class BatchMismatchError(ProtocolError):
    """The blobs do not match the batch_commitment."""


class ExplainError(ProtocolError):
    """An explain file does not hold; `field` is the path of what is wrong in it."""

    def __init__(self, field: str, why: str) -> None:
        self.field = field
        super().__init__(f"{field}: {why}.")


class LedgerDifferenceError(PermanentError):
    """Two readings that must agree do not."""


class OverAllocatedError(LedgerDifferenceError):
    """More is owed than was charged."""


class ConservationError(LedgerDifferenceError):
    """The conservation identity does not hold."""


class WrongRootError(LedgerDifferenceError):
    """An attester computes another distribution than the one proposed."""

    def __init__(
        self,
        sentence: str = "",
        *,
        payee: bytes | None = None,
        proposed: int | None = None,
        computed: int | None = None,
    ) -> None:
        """Keep the first payee that differs and both numerators (over 10^30), if a payee differs."""
        super().__init__(sentence)
        self.payee = payee
        self.proposed = proposed
        self.computed = computed
