# because: contracts as flat dicts of paths, types compared as ranges of numbers


def compatible(old: dict, new: dict) -> list[tuple[str, str, str]]:
    def flat(contract: dict) -> dict[str, tuple[str, str, bool]]:
        found = {}
        for field in contract["fields"]:
            is_struct, name = "fields" in field, field["name"]
            kind = "struct" if is_struct else field["type"]
            found[name.lower()] = (name, kind, field.get("required", False))
            for one in field.get("fields", []):
                path = f"{name}.{one['name']}"
                found[path.lower()] = (path, one["type"], False)
        return found

    def largest(kind: str) -> tuple[str, int, int]:
        if kind in ("int", "bigint"):
            return "whole", 2 ** (31 if kind == "int" else 63) - 1, 1
        if kind.startswith("decimal"):
            precision, scale = map(int, kind[8:-1].split(","))
            return "decimal", 10 ** (precision - scale), 10**scale
        return kind, 1, 1

    before, after = flat(old), flat(new)
    found = []
    for path in sorted(before.keys() | after.keys()):
        parent = path.rpartition(".")[0]
        if parent and any(side.get(parent, ("", "", 0))[1] != "struct" for side in (before, after)):
            continue
        if path not in before:
            name, _, required = after[path]
            found.append(("add", name, "forward" if required else "full"))
        elif path not in after:
            name, _, required = before[path]
            found.append(("remove", name, "backward" if required else "full"))
        else:
            (_, was, needed), (name, now, needs) = before[path], after[path]
            if was != now:
                (family, *most), (other, *more) = largest(was), largest(now)
                grows = family == other and most[0] <= more[0] and most[1] <= more[1]
                shrinks = family == other and most[0] >= more[0] and most[1] >= more[1]
                found.append(
                    ("widen", name, "backward")
                    if grows
                    else ("narrow", name, "forward")
                    if shrinks
                    else ("retype", name, "breaking")
                )
            if needs and not needed:
                found.append(("require", name, "forward"))
            if needed and not needs:
                found.append(("relax", name, "backward"))
    return found
