import Foundation
import TestKit
import Testing

/// The program from outside, as far as no server is needed: exit codes and where things are printed.
struct CommandLineTests {
  /// Nothing listens on port 1.
  private static let nowhere = [
    "TOLLWAY_AMQP_URL": "amqp://guest:guest@127.0.0.1:1/", "TOLLWAY_REDIS_URL": "redis://127.0.0.1:1/0",
    "TOLLWAY_LEDGER_URL": "sqlite:///nowhere/ledger.db", "TOLLWAY_ARTIFACTS": "/dev/null/nowhere",
  ]

  private func run(_ command: String, _ environment: [String: String] = nowhere) async throws -> FinishedCommand {
    try await TollwayExecutable.run(command.split(separator: " ").map(String.init), environment: environment)
  }

  @Test(arguments: [
    "nonsense", "submit", "submit --user a --task echo", "submit --user a --task nope --text x",
    "submit --user a --task echo --text x --payload {}", "submit --user a/b --task echo --text x",
    "submit --user a --task echo --text x --tier nope", "submit --user a --task tts --payload {}",
    "submit --user a --task echo --text x --timeout soon", "submit --file x --user a", "lanes --format xml",
    "explain", "explain a/b", "cancel", "cancel a/b", "cancel a --reason \u{1}", "dead replay", "dead replay a --all",
    "dead replay a --reason poison",
    "dead list --limit 0", "users set a", "users set a --tier nope", "users set a --concurrency 0",
    "users set a --monthly-usd -1", "users show a/b",
    "ledger report --by colour", "ledger report --from soon", "ledger quarantine --limit 0", "prices show m --at soon",
    "policy check /nowhere",
    "freeze maybe", "freeze status --format xml", "providers hold", "providers list --format xml",
    "keys create --name n --scopes submit --users a*b", "keys create --name n --scopes submit",
    "keys create --name n --scopes nope --users *", "keys revoke", "gateway --address 8080",
    "worker --slots 0", "lanes --namespace a/b", "lanes --amqp-url http://x", "lanes --redis-url http://x",
  ])
  func `wrong usage ends with 2 and prints no result`(command: String) async throws {
    let finished = try await run(command)
    #expect(finished.ending == .exited(2))
    #expect(finished.output.isEmpty && !finished.errors.isEmpty)
  }

  @Test(arguments: ["docs/console.md", "Sources/Console/Templates/signin.mustache"])
  func `the commands for a first key of the console are no wrong usage`(path: String) async throws {
    let text = try String(contentsOf: TestDirectory.packageRoot.appending(path: path), encoding: .utf8)
    let commands = text.matches(of: /tollway (keys create [^#<`\n]+)/).map { String($0.1).replacing("'", with: "") }
    #expect(!commands.isEmpty)
    for command in commands {
      let finished = try await run(command)
      #expect(finished.ending == .exited(75), "\(command): \(finished.errors)")
    }
  }

  @Test(arguments: [
    "lanes", "explain a", "cancel a", "topology apply", "topology check", "submit --user a --task echo --text x",
    "dead list",
    "dead show a", "dead replay --all", "blocked list", "blocked release a", "costs tail",
  ])
  func `an unreachable server ends with 75, in one line what happened and one what to do`(
    command: String
  ) async throws {
    let finished = try await run(command)
    #expect(finished.ending == .exited(75))
    #expect(finished.output.isEmpty)
    let lines = finished.errors.split(separator: "\n")
    #expect(lines.count == 2 && lines.first?.hasPrefix("tollway: ") == true && lines.last?.hasPrefix("  ") == true)
  }

  @Test func `doctor tells of every dependency and ends with 75`() async throws {
    let finished = try await run("doctor")
    #expect(finished.ending == .exited(75))
    for subject in ["✕ RabbitMQ", "✕ Redis", "✕ ledger", "✕ artifacts", "✓ policy", "✓ prices"] {
      #expect(finished.output.contains(subject), "\(subject)")
    }
  }

  @Test func `no password is repeated`() async throws {
    let secrets = [
      "TOLLWAY_AMQP_URL": "amqp://guest:s3cret@127.0.0.1:1/", "TOLLWAY_REDIS_URL": "redis://:s3cret@127.0.0.1:1/0",
      "OPENAI_API_KEY": "s3cret",
    ]
    for command in ["doctor", "lanes", "doctor --format json", "lanes --amqp-url http://guest:s3cret@x"] {
      let finished = try await run(command, secrets)
      #expect(!(finished.output + finished.errors).contains("s3cret"), "\(command)")
    }
  }

  @Test(arguments: [
    ("", "! webhook +HOOK is not set: alerts go"),
    ("hooks.example.com/s3cret", "! webhook +HOOK must start with https://"),
    ("https://hooks.example.com/s3cret", "✓ webhook +HOOK is set"),
  ])
  func `doctor looks whether alerts can reach the webhook, and never shows it`(
    address: String, line: String
  ) async throws {
    let directory = try TestDirectory("webhook")
    let file = directory.file("policy.yml")
    let original = TestDirectory.packageRoot.appending(path: "deploy/policy.yml")
    let builtIn = try String(contentsOf: original, encoding: .utf8)
    let policy = builtIn.replacing(#/notify_admin: .*/#, with: "notify_admin: {webhook_env: HOOK}")
    try Data(policy.utf8).write(to: file)
    let environment = Self.nowhere.merging(["TOLLWAY_POLICY": file.path, "HOOK": address]) { _, new in new }
    let finished = try await run("doctor", environment)
    #expect(try finished.output.contains(Regex(line)), "\(finished.output)")
    #expect(!(finished.output + finished.errors).contains("s3cret"))
  }

  @Test func `the built-in files have nothing wrong`() async throws {
    for command in ["policy check", "prices check", "policy check --format json"] {
      #expect(try await run(command).ending == .exited(0), "\(command)")
    }
  }

  @Test func `a wrong policy file is explained line by line and ends with 1`() async throws {
    let directory = try TestDirectory("policy")
    let file = directory.file("policy.yml")
    try Data("version: 2\ntiers: {}\n".utf8).write(to: file)
    let finished = try await run("policy check \(file.path)")
    #expect(finished.ending == .exited(1))
    #expect(finished.output.contains("error: version: must be 1, the only one there is (line 1)\n"))
  }

  @Test func `a price is looked up at its time`() async throws {
    let known = try await run("prices show openai/gpt-4.1 --at 2026-11-21 --format json")
    #expect(known.ending == .exited(0))
    #expect(known.output.contains(#""usd" : "0.000002""#))
    #expect(try await run("prices show no-such-model").ending == .exited(1))
  }
}
