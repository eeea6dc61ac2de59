"""DataInf: how much each dataset of an adapter lowers the loss on other text, token by token.

Source: Kwon, Wu, Wu and Zou, "DataInf: Efficiently Estimating Data Influence in LoRA-tuned LLMs and Diffusion Models",
ICLR 2024, arXiv 2310.00902. With training gradients g_i of a parameter tensor of m numbers, λ = 0.1 · mean_i |g_i|² / m,
the influence of window j on a loss with gradient v is v · r_j, summed over the tensors, where

    r_j = 1/λ · (g_j - 1/n Σ_i (g_i · g_j) / (λ + |g_i|²) · g_i)

It is linear in j, so that a whole dataset has one direction r, the sum over its windows; and v · r is the slope of the
loss along it, which two forward passes give for every token at once. Positive: the dataset helps.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch.nn import functional

DAMPING = 0.1
STEP = 1e-3
"""Length of a finite difference, as a part of the adapter's own length."""

TOGETHER = 16
"""Windows in one forward pass."""

Tensors = tuple[torch.Tensor, ...]
"""One tensor for each trained parameter, in the model's order."""


def trained(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The parameters of the adapter."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def window_gradients(model: torch.nn.Module, windows: Iterable[torch.Tensor]) -> Tensors:
    """The gradient of each window's mean token loss: an (n, size) matrix for each parameter."""
    model.eval()
    parameters = trained(model)
    rows: list[list[torch.Tensor]] = [[] for _ in parameters]
    for window in windows:
        logits = model(input_ids=window[None, :-1]).logits[0].float()
        for row, gradient in zip(
            rows, torch.autograd.grad(functional.cross_entropy(logits, window[1:]), parameters), strict=True
        ):
            row.append(gradient.flatten())
    return tuple(torch.stack(row) for row in rows)


def dataset_directions(gradients: Tensors, windows_of: Sequence[int]) -> list[Tensors]:
    """Each dataset's direction; the windows of one dataset after the other's, `windows_of[d]` of dataset d."""
    members = torch.zeros(len(windows_of), sum(windows_of), dtype=torch.float64)
    first = 0
    for dataset, count in enumerate(windows_of):
        members[dataset, first : first + count] = 1
        first += count
    by_parameter = [_directions(matrix, members) for matrix in gradients]
    return [tuple(rows[dataset] for rows in by_parameter) for dataset in range(len(windows_of))]


def _directions(matrix: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
    """Rows of `members` weigh the windows; shape (rows, size)."""
    gram = (matrix @ matrix.T).double()
    squared = gram.diagonal()
    damping = DAMPING * float(squared.mean()) / matrix.shape[1]
    if damping == 0:
        return torch.zeros(len(members), matrix.shape[1])
    weights = (members - members @ gram / (damping + squared) / len(matrix)) / damping
    return weights.float() @ matrix


def token_losses(model: torch.nn.Module, windows: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Loss of every token of every window but its first; windows of one length go through the model together."""
    model.eval()
    losses: list[torch.Tensor] = [torch.empty(0)] * len(windows)
    by_length: dict[int, list[int]] = {}
    for number, window in enumerate(windows):
        by_length.setdefault(len(window), []).append(number)
    for numbers in by_length.values():
        for first in range(0, len(numbers), TOGETHER):
            some = numbers[first : first + TOGETHER]
            batch = torch.stack([windows[number] for number in some])
            with torch.no_grad():
                logits = model(input_ids=batch[:, :-1]).logits.float()
            found = functional.cross_entropy(logits.transpose(1, 2), batch[:, 1:], reduction="none")
            for number, row in zip(some, found, strict=True):
                losses[number] = row
    return losses


def token_influence(model: torch.nn.Module, direction: Tensors, windows: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """What a dataset does for every token of every window but its first: the slope of its loss, negated."""
    parameters = trained(model)
    length = math.sqrt(sum(float(part.double().square().sum()) for part in direction))
    if length == 0:
        return [torch.zeros(len(window) - 1) for window in windows]
    own = math.sqrt(sum(float(p.detach().double().square().sum()) for p in parameters))
    step = STEP * own / length
    with _moved(parameters, direction, -step):
        lowered = token_losses(model, windows)
    with _moved(parameters, direction, step):
        raised = token_losses(model, windows)
    return [(up - down) / (2 * step) for up, down in zip(raised, lowered, strict=True)]


@contextmanager
def _moved(parameters: Sequence[torch.nn.Parameter], direction: Tensors, step: float) -> Iterator[None]:
    """The parameters moved along a direction, for a while."""
    before = [parameter.data.clone() for parameter in parameters]
    for parameter, part in zip(parameters, direction, strict=True):
        parameter.data.add_(part.view_as(parameter), alpha=step)
    try:
        yield
    finally:
        for parameter, kept in zip(parameters, before, strict=True):
            parameter.data = kept
