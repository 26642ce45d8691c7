"""A method around a method: it sees what each row of a minibatch shows, and may change the step; its weights are the inner method's.

    Addition(inner)(minibatch) = Step(inner's terms and its own, inner's embeddings)

A run with an addition is saved under the same names as one without, so either may start from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from impasto.schema import InputError
from impasto.training.method import Method, Minibatch, Prepared, Step


class Wrapped(Method):
    """The base of all additions to a method. Everything but `forward` is the inner method's, its weights' names included.

    Parameters
    ----------
    method
        The inner method.

    """

    def __init__(self, method: Method) -> None:
        super().__init__()
        self.method = method
        self.equal_shares = method.equal_shares

    def forward(self, minibatch: Minibatch, /) -> Step:
        step: Step = self.method(minibatch)
        return step

    def embed(self, minibatch: Any, /) -> Tensor:
        return self.method.embed(minibatch)

    def before_epoch(self, number: int, /) -> None:
        self.method.before_epoch(number)

    def after_step(self, progress: float, /) -> None:
        self.method.after_step(progress)

    def state_dict(self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> dict[str, Any]:  # type: ignore[override]
        """The inner method's weights.

        Parameters
        ----------
        destination, prefix, keep_vars
            As of `nn.Module.state_dict`.

        Returns
        -------
        dict[str, Any]
            Name -> weight.

        """
        weights: dict[str, Any] = self.method.state_dict(destination=destination, prefix=prefix, keep_vars=keep_vars)
        return weights

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load weights into the inner method.

        Parameters
        ----------
        state_dict, strict, assign
            As of `nn.Module.load_state_dict`.

        Returns
        -------
        Any
            Missing and unexpected names.

        """
        return self.method.load_state_dict(state_dict, strict=strict, assign=assign)


def innermost(method: Method, /) -> Method:
    """The method itself, all additions taken off.

    Parameters
    ----------
    method
        With or without additions.

    Returns
    -------
    Method
        The inner method.

    """
    while isinstance(method, Wrapped):
        method = method.method
    return method


def on_innermost(validate: Any, /) -> Any:
    """A validation that is given the method itself, all additions taken off.

    Parameters
    ----------
    validate
        A function of the inner method, or None.

    Returns
    -------
    Any
        A function of the method with its additions, or None.

    """
    return None if validate is None else lambda method: validate(innermost(method))


def units_of(prepared: Prepared, /, *, addition: str) -> Any:
    """The annotation of what rows show.

    Parameters
    ----------
    prepared
        A method with its data.
    addition
        What asks for it; an error names it.

    Returns
    -------
    Any
        A table, one row a unit.

    Raises
    ------
    InputError
        Where the method does not say what its rows show.

    """
    if prepared.units is None:
        raise InputError(f"this method does not say what its rows show (perturbation, cell line), so it takes no {addition}")
    return prepared.units
