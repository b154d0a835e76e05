/// Measures parts of Hale, and makes the load and the databases that `Scripts/bench` measures the
/// whole with.
///
/// Invariant of this module: the same seed gives the same sessions, requests and databases. It tells
/// figures, one line of JSON a command; it never passes or fails.

import ArgumentParser

HaleBench.main()
