"""declared.py VERSION: prints the crates of Cargo.lock with a rust-version newer than VERSION; exits with 1 if there are any."""

import json
import subprocess
import sys


def parts(version):
    numbers = [int(number) for number in version.split(".")]
    return numbers + [0] * (3 - len(numbers))


packages = json.loads(subprocess.run(["cargo", "metadata", "--locked", "--format-version=1"],
                                     check=True, stdout=subprocess.PIPE).stdout)["packages"]
newer = [package for package in packages
         if package["source"] and package["rust_version"] and parts(package["rust_version"]) > parts(sys.argv[1])]
for package in newer:
    print(f"{package['name']} {package['version']} needs Rust {package['rust_version']}")
sys.exit(bool(newer))
