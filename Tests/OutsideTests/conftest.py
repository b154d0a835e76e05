"""Fixtures: services that end with their test, whatever its result."""

import pytest

import hale as harness
import receiver


def pytest_configure(config):
    if not harness.BINARY.exists():
        pytest.exit(
            f"{harness.BINARY} is missing: build it with `swift build -c release "
            "--static-swift-stdlib --product hale`, or set HALE_BINARY to another one", 2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    setattr(item, f"report_{report.when}", report)
    return report


@pytest.fixture
def start(request, tmp_path):
    """Starts services: `start(*arguments, clock=instant, ...)`. Each has a directory of its own.

    A service must not end by itself. If the test fails, the logs are shown."""
    services = []

    def begin(*arguments, clock=None, running=True, **options):
        folder = tmp_path / f"hale-{len(services) + 1}"
        folder.mkdir()
        if clock is not None:
            clock = harness.Clock(folder / "now", clock)
            arguments = (*arguments, "--now", f"@{clock.path}")
        service = harness.Hale(folder, *arguments, **options)
        service.clock = clock
        services.append(service)
        return service.start() if running else service

    yield begin
    ended = [(service, service.end()) for service in services]
    report = getattr(request.node, "report_call", None)
    if report is not None and report.failed:
        for service in services:
            if service.process is not None:
                print(f"--- log of {service.folder.name}\n{service.log()}")
    for service, status in ended:
        assert status is None, f"the service ended by itself with {status}:\n{service.log()}"


@pytest.fixture
def hale(start):
    """A service after its first start, on the system's clock."""
    return start()


@pytest.fixture
def receive():
    """Starts receivers that end with the test."""
    receivers = []

    def begin(*statuses, **options):
        receivers.append(receiver.Receiver(*statuses, **options))
        return receivers[-1]

    yield begin
    for each in receivers:
        each.close()
