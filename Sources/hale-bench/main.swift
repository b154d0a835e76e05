/// Measures parts of Hale, and creates the load and the databases for `Scripts/bench`.
///
/// Invariant: the same seed gives the same sessions, requests and databases. Each command prints
/// figures as one line of JSON; it does not judge them.

import ArgumentParser

HaleBench.main()
