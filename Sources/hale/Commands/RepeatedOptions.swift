import ArgumentParser

/// The check that no option is given twice which takes one value: the argument parser would keep
/// the last one without a word, and a gate would look at one environment of two.
enum RepeatedOptions {
  /// - Parameters:
  ///   - arguments: those of the command line.
  ///   - command: what the argument parser made of them.
  static func check(
    _ arguments: some Sequence<String>, of command: some ParsableArguments
  ) throws(CommandFailure) {
    let lists = Mirror(reflecting: command).children.compactMap { child in
      child.value is Option<[String]> ? child.label?.dropFirst() : nil
    }
    var seen = Set<Substring>()
    for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix("--") {
      let name = argument.dropFirst(2).prefix { $0 != "=" }
      if !seen.insert(name).inserted, !lists.contains(name) {
        throw .usage("--\(name) is given more than once, but it takes one value.")
      }
    }
  }
}
