"""Which graph database does an address name, and where is it?"""

from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from kgplan.errors import ConfigError
from kgplan.settings import GraphAccess

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


def database_of(url: str) -> str:
    """Which database an address names: `neo4j` or `ladybug`.

    Raises:
        ConfigError: neither.

    >>> database_of("bolt+s://graph.example:7687"), database_of("ladybug:///var/graph.lbug")
    ('neo4j', 'ladybug')
    """
    scheme = urlsplit(url).scheme
    if scheme in NEO4J_SCHEMES:
        return "neo4j"
    if scheme != "ladybug":
        raise ConfigError(
            f"KGPLAN_GRAPH is {url!r}, whose scheme {scheme!r} is unknown;"
            " use ladybug:///path/to/file or neo4j://host:7687"
        )
    return "ladybug"


def file_of(url: str) -> Path:
    """The file of an embedded database's address.

    Raises:
        ConfigError: the address has a part that would not be used.

    >>> file_of("ladybug:///var/my%20graph.lbug").name
    'my graph.lbug'
    """
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
        raise ConfigError(
            f"KGPLAN_GRAPH is {url!r}, which names more than a file; write"
            " ladybug:///path/to/file, with %23 for # and %3F for ? in it"
        )
    return Path(unquote(parts.path))


def server_of(url: str, access: GraphAccess = GraphAccess()) -> tuple[str, str | None]:
    """The address of a Neo4j server, and its database; None: the one that the user has.

    Raises:
        ConfigError: the address has a part that would not be used, or names another database than
            the settings do.

    >>> server_of("neo4j://here:7687/mooc"), server_of("bolt://here?database=mooc")
    (('neo4j://here:7687', 'mooc'), ('bolt://here', 'mooc'))
    >>> server_of("neo4j://here", GraphAccess(database="mooc")), server_of("neo4j://here/")
    (('neo4j://here', 'mooc'), ('neo4j://here', None))
    """
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    routed = [(key, value) for key, value in given if key == "policy" and "neo4j" in parts.scheme]
    unused = [key for key, value in given if key != "database" and (key, value) not in routed]
    path = unquote(parts.path).strip("/")
    if unused or parts.fragment or "/" in path:
        part = (
            f"?{unused[0]}=" if unused else f"#{parts.fragment}" if parts.fragment else parts.path
        )
        raise ConfigError(
            f"KGPLAN_GRAPH is {url!r}, of which {part!r} is not used; write"
            " neo4j://host:7687/database"
        )
    named = [path, access.database, *(value for key, value in given if key == "database")]
    databases = list(dict.fromkeys(name for name in named if name))
    if len(databases) > 1 or "system" in databases:
        wrong = "system, which holds no graph" if "system" in databases else " and ".join(databases)
        raise ConfigError(
            f"KGPLAN_GRAPH is {url!r} and KGPLAN_GRAPH_DATABASE {access.database!r}: this names"
            f" the database {wrong}; name one"
        )
    address = f"{parts.scheme}://{parts.netloc}"
    if routed:
        address += f"?policy={routed[0][1]}"
    return address, databases[0] if databases else None
