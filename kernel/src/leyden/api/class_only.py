"""Methods that belong to a class and not to its instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leyden.errors import UserCodeError

if TYPE_CHECKING:
    class_only = classmethod  # type checkers then know what comes back
else:

    class class_only(classmethod):
        """A classmethod that says so when it is called on an instance, where its result would be thrown away."""

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            if instance is None:
                return super().__get__(instance, owner)
            name, kind = self.__func__.__name__, type(instance).__name__

            def refuse(*args: Any, **kwargs: Any) -> Any:
                raise InstanceCallError(
                    f"{name} makes a new object and was called on an instance of {kind}. Call it on the "
                    f"class: {kind}.{name}(…)."
                )

            return refuse


class InstanceCallError(UserCodeError, TypeError):
    """A method of a class was called on an instance."""
