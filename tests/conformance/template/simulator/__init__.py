"""A simulator of one account at Sample. Write here what the vendor documents, and what is invented."""

from bridge.simulators.sample.app import SIMULATOR, Options, SampleSimulator, create_app

__all__ = ["SIMULATOR", "Options", "SampleSimulator", "create_app"]
