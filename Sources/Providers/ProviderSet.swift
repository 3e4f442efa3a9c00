package import Catalog
import Contracts
import Foundation
package import Logging

/// The providers of a policy by their names, over one shared HTTP client. Immutable; a changed policy makes a new set
/// that keeps what did not change.
package struct ProviderSet: Sendable {
  private struct Entry: Sendable {
    let definition: ProviderDefinition
    let models: [String]
    let provider: any Provider
  }

  private let entries: [String: Entry]
  private let http: ProviderHTTP
  private let artifacts: ArtifactStore
  private let environment: [String: String]
  private let logger: Logger

  /// - Parameters:
  ///   - environment: where the keys that the policy names are read from.
  ///   - connections: to one host at once; more than the slots of the worker are never needed.
  package init(
    policy: Policy, artifacts: ArtifactStore, environment: [String: String] = ProcessInfo.processInfo.environment,
    connections: Int = 1024, logger: Logger
  ) {
    self.init(
      policy: policy, keeping: [:], http: ProviderHTTP(connections: connections),
      artifacts: artifacts, environment: environment, logger: logger)
  }

  private init(
    policy: Policy, keeping old: [String: Entry], http: ProviderHTTP, artifacts: ArtifactStore,
    environment: [String: String], logger: Logger
  ) {
    self.http = http
    self.artifacts = artifacts
    self.environment = environment
    self.logger = logger
    var entries: [String: Entry] = [:]
    for (name, definition) in policy.providers {
      let models = policy.models.filter { $0.provider == name }.map(\.model)
      if let kept = old[name], kept.definition == definition, kept.models == models {
        entries[name] = kept
      } else {
        let provider = Self.make(definition, models, http, artifacts, environment, logger)
        entries[name] = Entry(definition: definition, models: models, provider: provider)
      }
    }
    self.entries = entries
  }

  package subscript(name: String) -> (any Provider)? { entries[name]?.provider }

  package var names: Set<String> { Set(entries.keys) }

  /// The set for a changed policy, and the providers that it no longer has: shut those down when their last call has
  /// ended. The old set must not be shut down, the new one has taken over what they share.
  package func adopting(_ policy: Policy) -> (set: ProviderSet, retired: [any Provider]) {
    let set = ProviderSet(
      policy: policy, keeping: entries, http: http, artifacts: artifacts, environment: environment, logger: logger)
    let retired = entries.values.filter {
      set.entries[$0.definition.name]?.definition != $0.definition
        || set.entries[$0.definition.name]?.models != $0.models
    }
    return (set, retired.map(\.provider))
  }

  /// Ends all providers at once, then the connections. Call after the last call, once.
  package func shutdown() async {
    await withTaskGroup(of: Void.self) { group in
      for entry in entries.values {
        group.addTask { await entry.provider.shutdown() }
      }
    }
    do {
      try await http.shutdown()
    } catch {
      logger.error("HTTP client did not shut down cleanly", metadata: ["error": "\(error)"])
    }
  }

  private static func make(
    _ definition: ProviderDefinition, _ models: [String], _ http: ProviderHTTP, _ artifacts: ArtifactStore,
    _ environment: [String: String], _ logger: Logger
  ) -> any Provider {
    switch definition.kind {
    case .echo: EchoProvider(name: definition.name)
    case .espeak:
      ESpeakProvider(
        name: definition.name, artifacts: artifacts, timeout: definition.timeout, environment: environment)
    case .card:
      CardProvider(
        name: definition.name, artifacts: artifacts, timeout: definition.timeout(of: .image), environment: environment)
    case .ffmpeg:
      FFmpegProvider(
        name: definition.name, artifacts: artifacts, timeout: definition.timeout(of: .video), environment: environment)
    case .openai:
      OpenAIProvider(definition, http: http, artifacts: artifacts, environment: environment)
    case .local:
      LocalProvider(
        definition, models: models, http: http, artifacts: artifacts, environment: environment, logger: logger)
    case .anthropic:
      AnthropicProvider(definition, http: http, artifacts: artifacts, environment: environment)
    case .elevenlabs:
      ElevenLabsProvider(definition, http: http, artifacts: artifacts, environment: environment)
    case .huggingface:
      HuggingFaceProvider(definition, http: http, artifacts: artifacts, environment: environment)
    }
  }
}
