"""What a program sees of a tree, a record for each entry: python3 list-tree.py DIRECTORY"""
import hashlib
import json
import os
import stat
import sys


def record(root, path):
    file = root + path
    status = os.lstat(file)
    found = {"path": os.fsdecode(path) or "/", "mode": oct(status.st_mode), "mtime": str(status.st_mtime_ns),
             "nlink": status.st_nlink, "uid": status.st_uid, "gid": status.st_gid, "ino": status.st_ino}
    if not stat.S_ISDIR(status.st_mode):
        found["size"] = status.st_size
    if stat.S_ISLNK(status.st_mode):
        found["target"] = os.fsdecode(os.readlink(file))
    if stat.S_ISREG(status.st_mode):
        with open(file, "rb") as stream:
            found["sha256"] = hashlib.sha256(stream.read()).hexdigest()
    names = os.listxattr(file, follow_symlinks=False)
    if names:
        found["xattr"] = {name: os.fsdecode(os.getxattr(file, name, follow_symlinks=False)) for name in names}
    print(json.dumps(found))
    if stat.S_ISDIR(status.st_mode):
        for name in sorted(os.listdir(file)):
            record(root, path + b"/" + name)


record(os.fsencode(sys.argv[1]), b"")
