package import Foundation

/// A command that ran to its end, with what it printed.
package struct FinishedCommand: Sendable {
  package let name: String
  package let ending: Ending
  package let output: String
  package let errors: String

  /// Starts a command and waits for its end.
  ///
  /// - Throws: `WaitFailure` when it still runs after `limit`; it is killed then.
  package static func run(
    _ arguments: [String], environment: [String: String] = [:], workingDirectory: URL? = nil,
    within limit: Duration = .seconds(180)
  ) async throws -> FinishedCommand {
    let directory = try TestDirectory("command")
    let name = URL(filePath: arguments[0]).lastPathComponent
    let child = try ChildProcess(
      name, arguments, environment: environment, in: directory, workingDirectory: workingDirectory)
    let ending = try await child.end(within: limit)
    return try FinishedCommand(name: name, ending: ending, output: child.output, errors: child.errors)
  }

  /// - Returns: its standard output.
  /// - Throws: `CommandFailure` unless it exited with 0.
  @discardableResult
  package func checked() throws(CommandFailure) -> String {
    guard ending == .exited(0) else { throw CommandFailure(command: self) }
    return output
  }
}

/// A command that should have succeeded, with the end of what it had to say.
package struct CommandFailure: Error, CustomStringConvertible {
  package let command: FinishedCommand

  package var description: String {
    "\(command.name) ended with \(command.ending): \(command.errors.suffix(2000))\(command.output.suffix(1000))"
  }
}
