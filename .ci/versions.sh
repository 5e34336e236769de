# The tools the house is built with, each pinned once. (wasm-bindgen's version is read from Cargo.lock: the two must agree.)
TRUNK_VERSION=0.22.1
NEXTEST_VERSION=0.9.143
NODE_MAJOR_MIN=20
