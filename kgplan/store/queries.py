"""Which SQL statement has this name?"""

from importlib.resources import files


def named_queries(package: str, file: str) -> dict[str, str]:
    """The queries of an SQL file, each headed by `-- name: ...`.

    Args:
        package: where it lies, such as "kgplan.etl.sources".
        file: its name.
    """
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    sections = (section.partition("\n") for section in text.split("-- name: ")[1:])
    return {name.strip(): query.strip().removesuffix(";") for name, _, query in sections}
