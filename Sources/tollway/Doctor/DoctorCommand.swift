import ArgumentParser
import Contracts

/// `tollway doctor`: every dependency, and what to do about it.
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Check every dependency and say what to do.",
    discussion: """
      ✓ is fine, ! works but should be looked at, ✕ does not work. Ends with 0 when nothing failed, 1 when something \
      did, 75 when a server cannot be reached.
      """)

  @OptionGroup var settings: Settings
  @Option(help: "table or json.") var format = Format.table

  func run() async throws {
    let wires = try Wires.forCommand("doctor", settings)
    var checkup = Checkup()
    await BrokerChecks(wires: wires, address: "\(try settings.broker(name: ""))").run(&checkup)
    await RedisChecks(wires: wires, address: "\(try settings.redis())").run(&checkup)
    await FileChecks(settings: settings).run(&checkup)
    await KeyChecks(settings: settings, wires: wires).run(&checkup)
    switch format {
    case .json: try Output.json(checkup.findings)
    case .table: for line in checkup.lines(.output) { Output.line(line) }
    }
    await wires.close()
    if let failure = checkup.failure { throw failure }
  }
}
