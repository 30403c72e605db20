"""Batch norms put back into a network whose convolutions have them folded in, so that it can learn on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

_EACH_CHANNEL = (0, 2, 3)


def unfold_batch_norms(folded: nn.Module, network: nn.Module, pictures: Iterable[Tensor]) -> None:
    """Give a network with batch norms the weights of the same one without them; it then does the same.

    Parameters
    ----------
    folded
        What `networks.mobilenet.fold_batch_norms` made of such a network; in evaluation mode.
    network
        The same with batch norms.
    pictures
        Batches over which the channels' means and variances are measured.
    """
    norms = {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    before = _convolutions_before(network, norms)
    moments: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in norms}

    def keep(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            moments[name].append((output.mean(_EACH_CHANNEL), output.square().mean(_EACH_CHANNEL)))

        return hook

    convolutions = {name: folded.get_submodule(before[name]) for name in norms}
    hooks = [convolution.register_forward_hook(keep(name)) for name, convolution in convolutions.items()]
    with torch.inference_mode():
        for batch in pictures:
            folded(batch)
    for hook in hooks:
        hook.remove()
    weights = {name: value.clone() for name, value in folded.state_dict().items()}
    for name, norm in norms.items():
        mean, square = (torch.stack(each).mean(dim=0).clone() for each in zip(*moments[name], strict=True))
        variance = (square - mean.square()).clamp(min=0)
        shift = weights.pop(f"{before[name]}.bias")
        weights[f"{name}.running_mean"], weights[f"{name}.running_var"] = mean - shift, variance
        weights[f"{name}.weight"], weights[f"{name}.bias"] = (variance + norm.eps).sqrt(), mean
        weights[f"{name}.num_batches_tracked"] = torch.tensor(len(moments[name]))
    network.load_state_dict(weights)


def _convolutions_before(network: nn.Module, norms: Mapping[str, nn.Module]) -> dict[str, str]:
    """Return the name of the convolution in front of each batch norm."""
    names = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d) or name in norms]
    return {name: previous for previous, name in pairwise(names) if name in norms}
