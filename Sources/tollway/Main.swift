import ArgumentParser

#if canImport(Glibc)
  import Glibc
#endif

/// The process: parses the command, runs it, and turns what happened into the exit codes of the contract:
/// 0 done, 1 failed, 2 wrong usage, 75 a dependency is unreachable.
@main
struct Main {
  static func main() async {
    do {
      var command = try Tollway.parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      if let failure = CommandFailure(error) {
        failure.print()
        exit(failure.exit.rawValue)
      }
      let code = Tollway.exitCode(for: error)
      let text = Tollway.fullMessage(for: error)
      if code.isSuccess {
        print(text)
        exit(0)
      }
      StandardError.line(text)
      exit(code == .validationFailure ? CommandFailure.Exit.usage.rawValue : CommandFailure.Exit.failed.rawValue)
    }
  }
}

struct Tollway: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tollway",
    abstract: "A tier-aware worker fleet for AI jobs on RabbitMQ and Redis.",
    version: Version.text,
    subcommands: [
      WorkerCommand.self, BillingCommand.self, GatewayCommand.self, SubmitCommand.self, TopologyCommand.self,
      DoctorCommand.self,
      LanesCommand.self, ExplainCommand.self, CancelCommand.self, UsersCommand.self, DeadCommand.self,
      BlockedCommand.self,
      CostsCommand.self, LedgerCommand.self, PricesCommand.self, PolicyCommand.self, FreezeCommand.self,
      ProvidersCommand.self, KeysCommand.self,
    ])
}
