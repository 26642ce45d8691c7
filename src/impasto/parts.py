"""Fields that hold the settings of one part of a family: a step of a correction, a method, the options of a task.

The part is looked up in the table of its family when the field is read, so the settings of plugins are checked like the package's own.
`model_json_schema` of the settings that hold such a field lists every part with all of its keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from impasto.schema import nearest
from impasto.settings import Settings
from impasto.wrong_settings import WrongSetting


@dataclass(frozen=True)
class Part:
    """One part of a family, chosen by its name, with its settings.

    Attributes
    ----------
    name
        In its family.
    settings
        Checked.

    """

    name: str
    settings: Settings


@dataclass(frozen=True, eq=False)
class OneOf:
    """Marks a field that holds one part of a family: `Annotated[Part, OneOf("method", CORRECTORS, settings_of)]`.

    Attributes
    ----------
    key
        The key of the table that names the part.
    names
        The parts that can be chosen: a family, or some names of one.
    settings_of
        Name of a part -> its settings. Raises InputError where there is no such part.
    in_part
        Whether the settings are written in part: only those that were said, where others have them from elsewhere.

    """

    key: str
    names: Iterable[str]
    settings_of: Callable[[str], type[Settings]]
    in_part: bool = False

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        """How pydantic reads and writes such a field."""
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(self.written)
        )

    def __get_pydantic_json_schema__(self, _schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """One table a part; the key says which."""
        tables = []
        for name in self.names:
            own = _json_schema(self.settings_of(name), handler)
            properties = {self.key: {"const": name, "type": "string"}, **{k: v for k, v in own["properties"].items() if k != self.key}}
            tables.append({**own, "title": name, "properties": properties, "required": [self.key, *own.get("required", [])]})
        return {"oneOf": tables}

    def read(self, value: Any, /) -> Part:
        """The part that a table names, with its checked settings.

        Parameters
        ----------
        value
            A table with the key, or a part.

        Returns
        -------
        Part
            The part.

        Raises
        ------
        WrongSetting
            Where the table names no part, or says what the part does not take.

        """
        if isinstance(value, Part):
            return value
        if not isinstance(value, Mapping):
            raise WrongSetting("", f"{value!r} is not a table; write {{ {self.key} = NAME, ... }}")
        if self.key not in value:
            slip = next((key for key in value if nearest(key, [self.key])), None)
            raise WrongSetting(
                "",
                f"the key {self.key!r} is missing; add it" if slip is None else f"unknown key {slip!r}{nearest(slip, [self.key])}",
            )
        name = str(value[self.key])
        kind = self.settings_of(name)
        return Part(name, _checked(kind, name, {k: v for k, v in value.items() if k != self.key or k in kind.model_fields}))

    def written(self, part: Part, /) -> dict[str, Any]:
        """The table that is read as this part.

        Parameters
        ----------
        part
            What `read` gave.

        Returns
        -------
        dict
            Every setting, those by default too; with `in_part` only those that were said.

        """
        return {self.key: part.name, **part.settings.model_dump(mode="json", exclude_unset=self.in_part)}


@dataclass(frozen=True, eq=False)
class SettingsOf:
    """Marks a field that holds settings of the part that an earlier field names: `Annotated[Settings, SettingsOf("task", TASKS, of)]`.

    They are written in part: only those that were said. None of them may be required, for other fields may say them.

    Attributes
    ----------
    key
        The field that names the part. It stands before this one in its class.
    names
        The parts that can be chosen: a family.
    settings_of
        Name of a part -> the settings that this field may say. Raises InputError where there is no such part.

    """

    key: str
    names: Iterable[str]
    settings_of: Callable[[str], type[Settings]]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        """How pydantic reads and writes such a field."""
        return core_schema.with_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda said: said.model_dump(mode="json", exclude_unset=True)),
        )

    def __get_pydantic_json_schema__(self, _schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """One table a part; its title is the name of the part."""
        return {"anyOf": [{**_json_schema(self.settings_of(name), handler), "title": name} for name in self.names]}

    def read(self, value: Any, info: ValidationInfo, /) -> Any:
        """The checked settings of the part that the other field names.

        Parameters
        ----------
        value
            A table, or settings of the part.
        info
            Holds the fields that were read before this one.

        Returns
        -------
        Settings
            Of the class `settings_of(name)`. Where the other field is wrong itself, the value as it is.

        Raises
        ------
        WrongSetting
            Where the value is no table, or says what the part does not take.

        """
        if self.key not in info.data:
            return value  # the other field is wrong, and its sentence comes first
        name = str(info.data[self.key])
        kind = self.settings_of(name)
        if isinstance(value, kind):
            return value
        if not isinstance(value, Mapping):
            raise WrongSetting("", f"{value!r} is not a table; write {{ KEY = VALUE, ... }}")
        return _checked(kind, name, value)


def _checked(kind: type[Settings], name: str, values: Mapping[str, Any]) -> Settings:
    try:
        return kind.checked(values)
    except WrongSetting as error:
        raise WrongSetting(f" ({name}){'.' if error.place else ''}{error.place}", error.sentence) from None


def _json_schema(kind: type[Settings], handler: GetJsonSchemaHandler) -> JsonSchemaValue:
    """The schema of the settings itself, where pydantic would write a reference to it."""
    own = handler.resolve_ref_schema(handler(kind.__pydantic_core_schema__))
    return {**own, "properties": own.get("properties", {})}
