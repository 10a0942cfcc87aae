"""Makes the symbols of Mach-O objects local, but those of a list and those that another of the objects needs: what llvm-objcopy
--keep-global-symbols does for ELF only.

    keep_global.py LIST OBJECT...

Local symbols precede the others in the table, so they are sorted anew, and the relocations get the new numbers.
"""

import pathlib
import struct
import sys

MH_MAGIC_64, MH_OBJECT = 0xFEEDFACF, 1
LC_SYMTAB, LC_DYSYMTAB, LC_SEGMENT_64 = 0x2, 0xB, 0x19
N_STAB, N_PEXT, N_TYPE, N_EXT, N_WEAK_DEF = 0xE0, 0x10, 0x0E, 0x01, 0x80
SYMBOL = struct.Struct("<IBBHQ")


def commands(data):
    """The load commands as (kind, offset)."""
    magic, _, _, filetype, count, _, _, _ = struct.unpack_from("<8I", data)
    if (magic, filetype) != (MH_MAGIC_64, MH_OBJECT):
        sys.exit("keep_global.py: not a 64-bit Mach-O object")
    at = 32
    for _ in range(count):
        kind, size = struct.unpack_from("<2I", data, at)
        yield kind, at
        at += size


def name_at(data, strings, offset):
    start = strings + offset
    return bytes(data[start:data.index(0, start)]).decode()


def symbols(data):
    """The symbol table as (name, type, section, description, value, offset of the name)."""
    places = dict(commands(data))
    if LC_SYMTAB not in places:
        return
    symoff, count, strings, _ = struct.unpack_from("<4I", data, places[LC_SYMTAB] + 8)
    for at in range(symoff, symoff + count * SYMBOL.size, SYMBOL.size):
        text, kind, section, description, value = SYMBOL.unpack_from(data, at)
        yield name_at(data, strings, text), kind, section, description, value, text


def is_undefined(kind):
    return not kind & N_STAB and kind & N_EXT and not kind & N_TYPE


def localize(data, keep):
    """Changes `data` in place; returns the names that stay global."""
    places = dict(commands(data))
    if LC_SYMTAB not in places:
        return set()
    local, defined, undefined = [], [], []
    for old, (name, kind, section, description, value, text) in enumerate(symbols(data)):
        if is_undefined(kind):
            group = undefined
        elif kind & N_STAB or not kind & N_EXT or name not in keep:
            group = local
            if not kind & N_STAB:
                kind, description = kind & ~(N_EXT | N_PEXT), description & ~N_WEAK_DEF
        else:
            group = defined
        group.append((name, old, SYMBOL.pack(text, kind, section, description, value)))
    defined.sort()
    undefined.sort()
    order = local + defined + undefined
    number = {old: new for new, (_, old, _) in enumerate(order)}
    symoff, = struct.unpack_from("<I", data, places[LC_SYMTAB] + 8)
    data[symoff:symoff + len(order) * SYMBOL.size] = b"".join(entry for _, _, entry in order)
    first, second = len(local), len(local) + len(defined)
    struct.pack_into("<6I", data, places[LC_DYSYMTAB] + 8, 0, first, first, len(defined), second, len(undefined))
    indirect, = struct.unpack_from("<I", data, places[LC_DYSYMTAB] + 8 + 13 * 4)
    if indirect:
        sys.exit("keep_global.py: the object has indirect symbols, which it does not renumber")
    for kind, at in commands(data):
        if kind == LC_SEGMENT_64:
            renumber_relocations(data, at, number)
    return {name for name, _, _ in defined}


def renumber_relocations(data, segment, number):
    sections, = struct.unpack_from("<I", data, segment + 64)
    for section in range(sections):
        relocations, count = struct.unpack_from("<2I", data, segment + 72 + section * 80 + 56)
        for at in range(relocations, relocations + count * 8, 8):
            address, info = struct.unpack_from("<iI", data, at)
            # r_symbolnum:24, r_pcrel:1, r_length:2, r_extern:1, r_type:4
            if info & 0x08000000:
                struct.pack_into("<iI", data, at, address, info & 0xFF000000 | number[info & 0xFFFFFF])


def main(names, *paths):
    listed = set(pathlib.Path(names).read_text().split())
    objects = {path: bytearray(pathlib.Path(path).read_bytes()) for path in paths}
    keep = listed | {name for data in objects.values() for name, kind, *_ in symbols(data) if is_undefined(kind)}
    found = set()
    for path, data in objects.items():
        found |= localize(data, keep)
        pathlib.Path(path).write_bytes(data)
    if not listed <= found:
        sys.exit(f"keep_global.py: not defined: {', '.join(sorted(listed - found))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
