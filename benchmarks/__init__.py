"""Side-by-side speed and memory; `python -m benchmarks NAME`. Never part of the tests."""
