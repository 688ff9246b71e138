"""Disk images made at test time, by the tools that make real ones."""

import shutil
import subprocess
from pathlib import Path


def _tool(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    assert found, f"{name} is missing: run tools/setup test"
    return found


def _run(*command: str) -> None:
    subprocess.run([_tool(command[0]), *command[1:]], check=True, capture_output=True)


def write_tree(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def ext4(path: Path, tree: Path, *, without: str = "", megabytes: int = 8) -> Path:
    """An ext4 image of a folder; `without`: a file of it that is deleted again."""
    _run("mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(path), f"{megabytes}M")
    if without:
        _run("debugfs", "-w", "-R", f"rm {without}", str(path))
    return path


def fat(path: Path, files: dict[str, bytes], *, without: str = "", kilobytes: int = 8192) -> Path:
    """A FAT image of these files; `without`: one that is deleted again."""
    _run("mkfs.vfat", "-C", str(path), str(kilobytes))
    source = path.with_suffix(".one")
    for name, data in files.items():
        source.write_bytes(data)
        _run("mcopy", "-i", str(path), str(source), f"::/{name}")
    source.unlink()
    if without:
        _run("mdel", "-i", str(path), f"::/{without}")
    return path


def ntfs(path: Path, files: dict[str, bytes], *, megabytes: int = 8) -> Path:
    """An NTFS image of these files."""
    path.write_bytes(bytes(megabytes << 20))
    _run("mkntfs", "-F", "-q", str(path))
    source = path.with_suffix(".one")
    for name, data in files.items():
        source.write_bytes(data)
        _run("ntfscp", str(path), str(source), name)
    source.unlink()
    return path


def disk(path: Path, volumes: list[Path], *, gap: bytes = b"") -> Path:
    """Volumes on one disk with an MBR; `gap` stands between the table and the first volume."""
    first, table, content = 2048, bytearray(512), bytearray()
    for number, volume in enumerate(volumes):
        data = volume.read_bytes()
        start = first + len(content) // 512
        entry = bytes([0, 0, 0, 0, 0x83, 0, 0, 0])
        table[446 + 16 * number : 462 + 16 * number] = (
            entry + start.to_bytes(4, "little") + (len(data) // 512).to_bytes(4, "little")
        )
        content += data
    table[510:] = b"\x55\xaa"
    path.write_bytes(bytes(table) + gap.ljust((first - 1) * 512, b"\x00") + bytes(content))
    return path


def e01(path: Path, raw: Path, *, segment: str = "1.5MiB") -> list[Path]:
    """An E01 image of a raw one, in segments: path.E01, path.E02 …"""
    _run(
        *("ewfacquire", "-u", "-q", "-t", str(path), "-f", "encase6", "-S", segment, "-c", "deflate:none"),
        *("-C", "case", "-D", "disk", "-e", "examiner", "-E", "1", "-N", "-", str(raw)),
    )
    return sorted(path.parent.glob(path.name + ".E*"))
