import AMQP
import ArgumentParser
import Contracts
import Foundation
import Gateway
import Observability
import Redis

/// The settings that every command shares: each a flag, else an environment variable, else a default. Flags win.
/// Read once, here; no other place looks at the environment.
struct Settings: ParsableArguments {
  @Option(help: "Broker, amqp:// or amqps:// (TOLLWAY_AMQP_URL).") var amqpURL: String?
  @Option(help: "Redis, redis:// or redis+sentinel:// (TOLLWAY_REDIS_URL).") var redisURL: String?
  @Option(help: "Ledger, sqlite://PATH or postgres://USER@HOST/DATABASE (TOLLWAY_LEDGER_URL).") var ledgerURL: String?
  @Option(help: "Policy file (TOLLWAY_POLICY).") var policy: String?
  @Option(help: "Price book (TOLLWAY_COSTS).") var costs: String?
  @Option(help: "Folder for audio, images, video (TOLLWAY_ARTIFACTS).") var artifacts: String?
  @Option(help: "Prefix of exchanges, queues and keys (TOLLWAY_NAMESPACE).") var namespace: String?
  @Option(help: "How long finished jobs are remembered, like 24h (TOLLWAY_STATE_TTL).") var stateTTL: String?
  @Option(help: "trace, debug, info, warning, error (TOLLWAY_LOG).") var log: String?
  @Option(help: "text or json (TOLLWAY_LOG_FORMAT).") var logFormat: String?
  @Option(help: "Address of the probes, or off (TOLLWAY_HTTP).") var http: String?

  private func value(_ flag: String?, _ variable: String, default fallback: String) -> String {
    let environment = ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    return flag ?? environment ?? fallback
  }

  func broker(name: String) throws(CommandFailure) -> AMQPConfiguration {
    let text = value(amqpURL, "TOLLWAY_AMQP_URL", default: "amqp://guest:guest@127.0.0.1:5672/")
    do throws(AMQPError) {
      var configuration = try AMQPConfiguration(url: text)
      configuration.name = name
      return configuration
    } catch {
      throw CommandFailure(.usage, "TOLLWAY_AMQP_URL: \(error)", "write amqp://user:password@host:port/vhost")
    }
  }

  func redis() throws(CommandFailure) -> RedisConfiguration {
    let text = value(redisURL, "TOLLWAY_REDIS_URL", default: "redis://127.0.0.1:6379/0")
    do throws(RedisError) {
      return try RedisConfiguration(url: text)
    } catch {
      throw CommandFailure(
        .usage, "TOLLWAY_REDIS_URL: \(error)",
        "write redis://user:password@host:port/database or redis+sentinel://h1,h2/name/0")
    }
  }

  var ledger: String { value(ledgerURL, "TOLLWAY_LEDGER_URL", default: "sqlite://tollway-ledger.db") }

  var artifactDirectory: String { value(artifacts, "TOLLWAY_ARTIFACTS", default: "artifacts/") }

  func topology() throws(CommandFailure) -> Topology {
    let text = value(namespace, "TOLLWAY_NAMESPACE", default: "")
    let isValid =
      text.utf8.count <= 64 && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
    guard isValid else {
      throw CommandFailure(
        .usage, "TOLLWAY_NAMESPACE: not a name", "use at most 64 letters, digits, dots, underscores and dashes")
    }
    return Topology(namespace: text)
  }

  func stateLifetime() throws(CommandFailure) -> Duration {
    let text = value(stateTTL, "TOLLWAY_STATE_TTL", default: "24h")
    guard let duration = Duration(reading: text), duration >= .seconds(60) else {
      throw CommandFailure(.usage, "TOLLWAY_STATE_TTL: not a duration of at least 60s", "write 90s, 30m, 24h or 7d")
    }
    return duration
  }

  /// How long a job waits for another one that nobody knows (TOLLWAY_PARENT_PATIENCE, 10m).
  func parentPatience() throws(CommandFailure) -> Duration {
    guard let duration = Duration(reading: value(nil, "TOLLWAY_PARENT_PATIENCE", default: "10m")) else {
      throw CommandFailure(.usage, "TOLLWAY_PARENT_PATIENCE: not a duration", "write 90s, 10m or 1h")
    }
    return duration
  }

  /// The level of a command that is no role: it logs nothing unless told to, because it says itself what fails.
  static let quiet = "critical"

  /// - Parameter level: where none is set.
  func logging(default level: String = "info") throws(CommandFailure) -> LogSettings {
    do throws(LogSettings.Fault) {
      return try LogSettings(
        level: value(log, "TOLLWAY_LOG", default: level),
        format: value(logFormat, "TOLLWAY_LOG_FORMAT", default: "text"))
    } catch {
      throw CommandFailure(.usage, "\(error)", "TOLLWAY_LOG is a level, TOLLWAY_LOG_FORMAT is text or json")
    }
  }

  func probes() throws(CommandFailure) -> ProbeAddress? {
    do throws(ProbeAddress.Fault) {
      return try ProbeAddress.reading(value(http, "TOLLWAY_HTTP", default: "127.0.0.1:9464"))
    } catch {
      throw CommandFailure(.usage, "\(error)", "write 127.0.0.1:9464, or off")
    }
  }

  /// - Parameter flag: of the command that listens there.
  func gateway(_ flag: String?) throws(CommandFailure) -> GatewayAddress {
    do throws(GatewayAddress.Fault) {
      return try GatewayAddress(reading: value(flag, "TOLLWAY_GATEWAY", default: "127.0.0.1:8080"))
    } catch {
      throw CommandFailure(.usage, "\(error)", "write 127.0.0.1:8080")
    }
  }

  /// The policy file's path; nil for the copy built in. A file that was named must exist.
  func policyPath() throws(CommandFailure) -> String? {
    try path(policy, "TOLLWAY_POLICY", default: "deploy/policy.yml")
  }

  func pricesPath() throws(CommandFailure) -> String? {
    try path(costs, "TOLLWAY_COSTS", default: "provider_costs.yml")
  }

  private func path(_ flag: String?, _ variable: String, default fallback: String) throws(CommandFailure) -> String? {
    let path = value(flag, variable, default: fallback)
    if FileManager.default.isReadableFile(atPath: path) { return path }
    if path == fallback { return nil }
    throw CommandFailure(.usage, "\(variable): cannot read \(path)", "name a file that exists and may be read")
  }

  var failpoint: String? { ProcessInfo.processInfo.environment["TOLLWAY_FAILPOINT"] }
}

extension Duration {
  /// Reads `500ms`, `90s`, `30m`, `24h`, `7d`; nil for anything else.
  init?(reading text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits), number < 1_000_000_000 else { return nil }
    switch text.dropFirst(digits.count) {
    case "ms": self = .milliseconds(number)
    case "s": self = .seconds(number)
    case "m": self = .seconds(number * 60)
    case "h": self = .seconds(number * 3600)
    case "d": self = .seconds(number * 86_400)
    default: return nil
    }
  }
}
