package import Contracts

/// How to reach a provider. Only what the policy file says; secrets are named here and read where they are used.
package struct ProviderDefinition: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    case openai, anthropic, elevenlabs, huggingface, local, espeak, card, ffmpeg, echo
  }

  package enum Isolation: String, Sendable, CaseIterable {
    case shared
    case perTier = "per_tier"
    case perUser = "per_user"
  }

  package var name: String
  package var kind: Kind
  package var baseURL: String?
  /// Name of the environment variable that holds the key, or path of a file that does; at most one of the two.
  package var apiKeyVariable: String?
  package var apiKeyFile: String?
  /// For one call, from sending to the last byte. Default 60 s.
  package var timeout: Duration
  /// The same for calls of some tasks; see `timeout(of:)`.
  package var timeouts: [TaskType: Duration] = [:]
  /// `local` only: program and arguments of the serving process.
  package var command: [String]
  package var isolation: Isolation
  /// Longest silence before the first part of a streamed answer, and between two parts. Default 15 s and 10 s.
  package var firstTokenTimeout: Duration
  package var idleTimeout: Duration
  /// `local` only: what the serving process may take. Default: no limit.
  package var limits: ProcessLimits
  /// `local` only: a serving process without a call for this long is ended. Default 10 min.
  package var idleStop: Duration

  package init(
    name: String, kind: Kind, baseURL: String?, apiKeyVariable: String?, apiKeyFile: String?, timeout: Duration,
    command: [String], isolation: Isolation, firstTokenTimeout: Duration = .seconds(15),
    idleTimeout: Duration = .seconds(10), limits: ProcessLimits = ProcessLimits(), idleStop: Duration = .seconds(600)
  ) {
    self.name = name
    self.kind = kind
    self.baseURL = baseURL
    self.apiKeyVariable = apiKeyVariable
    self.apiKeyFile = apiKeyFile
    self.timeout = timeout
    self.command = command
    self.isolation = isolation
    self.firstTokenTimeout = firstTokenTimeout
    self.idleTimeout = idleTimeout
    self.limits = limits
    self.idleStop = idleStop
  }

  /// For one call of a task. A video, which is asked about again and again until it is made, has 15 minutes unless the
  /// file says otherwise.
  package func timeout(of task: TaskType) -> Duration {
    timeouts[task] ?? (task == .video ? max(timeout, .seconds(900)) : timeout)
  }

  /// Whether it works on this machine, so that nothing is bought: what was never heard of again may be made again, even a
  /// picture or a video.
  package var isOwnMachine: Bool {
    switch kind {
    case .local, .espeak, .card, .ffmpeg, .echo: true
    case .openai, .anthropic, .elevenlabs, .huggingface: false
    }
  }

  /// What a provider of a kind that has one model offers where the file lists none; nil for all other kinds.
  var onlyModel: ModelListing? {
    let (task, model): (TaskType, String)
    switch kind {
    case .espeak: (task, model) = (.tts, "espeak-ng")
    case .card: (task, model) = (.image, "card")
    case .ffmpeg: (task, model) = (.video, "ffmpeg")
    case .echo: (task, model) = (.echo, "echo")
    case .openai, .anthropic, .elevenlabs, .huggingface, .local: return nil
    }
    return ModelListing(
      provider: name, task: task, model: model, version: nil, stage: .stable, verified: true, contextTokens: nil,
      id: nil)
  }

  /// Whether a call of a task that was never heard of again may be made again.
  package func mayRepeat(_ task: TaskType) -> Bool { task.mayRepeatUnknown || isOwnMachine }

  /// Whether models of this provider cost nothing unless the price book says otherwise.
  package var isFreeByDefault: Bool { isOwnMachine }
}

/// What a serving process and all that it starts may take together. Nil is no limit.
package struct ProcessLimits: Sendable, Hashable {
  /// MiB of memory in use (resident); above it the whole group is ended.
  package var memoryMegabytes: Int?
  /// Processors it may run on at once.
  package var processors: Int?
  package var processes: Int?
  /// Open files of each process.
  package var files: Int?

  package init(memoryMegabytes: Int? = nil, processors: Int? = nil, processes: Int? = nil, files: Int? = nil) {
    self.memoryMegabytes = memoryMegabytes
    self.processors = processors
    self.processes = processes
    self.files = files
  }
}
