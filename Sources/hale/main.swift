/// The program: command line, settings, the real clock, signals, and the wiring of the modules.
///
/// Invariant: only this module reads the system's clock, the environment and the arguments, and
/// only it prints. It has no rules about sessions.

Hale.runFromCommandLine()
