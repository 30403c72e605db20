"""Measuring the runtime: suites whose contenders take turns, a measured floor, a report, and a comparison for CI."""
