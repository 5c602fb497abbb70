"""A stand-in for one account at Sample. Say here what the vendor documents, and what is your invention."""

from bridge.simulators.sample.app import SIMULATOR, Options, SampleSimulator, create_app

__all__ = ["SIMULATOR", "Options", "SampleSimulator", "create_app"]
