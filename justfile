# What can be done here. `just check` is all of CI, and CI is `just check`'s script.

set shell := ["bash", "-euo", "pipefail", "-c"]

# The list of recipes
default:
    @just --list

# Format all code
fmt:
    cargo fmt --all

# Shellcheck, rustfmt, clippy, rustdoc, licences: everything that needs no run
lint:
    scripts/test lint

# The tests, against the programs as they are shipped
test:
    scripts/test test

# credstack beside the AWS CLI, awsume and the bare SDK
bench:
    scripts/bench

# The library's documentation, in target/doc
docs:
    cargo doc --workspace --no-deps --document-private-items

# A terminal session that shows what it is
demo:
    scripts/demo

# All of CI
check:
    scripts/test
