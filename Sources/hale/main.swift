/// The program: command line, settings, the real clock, signals, and the wiring of all modules.
///
/// Invariant of this module: it alone reads the system's clock, the environment and the arguments,
/// and it alone prints. It decides nothing about sessions.

Hale.runFromCommandLine()
