import Catalog
import Foundation

/// Whether a provider could be called from this machine, as far as that shows without calling it.
enum ProviderReadiness {
  case ready(String)
  /// What is missing and what to do about it.
  case missing(String, remedy: String)

  var isReady: Bool { if case .ready = self { true } else { false } }

  init(_ definition: ProviderDefinition, environment: [String: String]) {
    switch definition.kind {
    case .echo: self = .ready("built in")
    case .espeak: self = Self.programs([("espeak-ng", "espeak-ng")], environment)
    case .card: self = Self.programs([("rsvg-convert", "librsvg2-bin fonts-dejavu-core")], environment)
    // Scenes without a picture get a card.
    case .ffmpeg:
      self = Self.programs(
        [("ffmpeg", "ffmpeg"), ("rsvg-convert", "librsvg2-bin fonts-dejavu-core")], environment)
    case .local: self = Self.serving(definition, environment)
    case .openai, .anthropic, .elevenlabs, .huggingface: self = Self.key(of: definition, environment)
    }
  }

  /// - Parameter needed: programs, and the packages that bring them.
  private static func programs(
    _ needed: [(name: String, packages: String)], _ environment: [String: String]
  ) -> ProviderReadiness {
    let found = needed.compactMap { program($0.name, environment) }
    let missing = needed.first { program($0.name, environment) == nil }
    return missing.map { .missing("\($0.name) is not on the PATH", remedy: "apt-get install \($0.packages)") }
      ?? .ready(found.joined(separator: ", "))
  }

  private static func serving(_ definition: ProviderDefinition, _ environment: [String: String]) -> ProviderReadiness {
    let setting = "providers.\(definition.name).command"
    guard let command = definition.command.first else {
      return .missing("has no command", remedy: "set \(setting) in the policy file")
    }
    return program(command, environment) == nil
      ? .missing("\(command) cannot be started", remedy: "install it, or correct \(setting) in the policy file")
      : .ready("\(command) can be started")
  }

  private static func key(of definition: ProviderDefinition, _ environment: [String: String]) -> ProviderReadiness {
    if let variable = definition.apiKeyVariable {
      let isSet = environment[variable].map { !$0.isEmpty } ?? false
      return isSet ? .ready("\(variable) is set") : .missing("\(variable) is not set", remedy: "export \(variable)=...")
    }
    guard let path = definition.apiKeyFile else { return .ready("needs no key") }
    return FileManager.default.isReadableFile(atPath: path)
      ? .ready("its key file can be read")
      : .missing("its key file \(path) cannot be read", remedy: "let this user read it, or correct api_key_file")
  }

  /// Where a program is: as a path, or looked for on the PATH.
  private static func program(_ name: String, _ environment: [String: String]) -> String? {
    let candidates =
      name.contains("/")
      ? [name] : (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
