import Contracts

/// What stands under `providers`.
extension PolicyFile {
  /// A run holds its delivery 25 minutes at most, and so does one call.
  static let longestTimeout = Duration.seconds(25 * 60)

  static func readProvider(name: String, _ map: ConfigMap, plainHTTPHosts: Set<String>) -> ProviderDefinition? {
    defer { map.warnUnknown() }
    let kind: ProviderDefinition.Kind? = map.choice("kind")
    if !map.has("kind") {
      let kinds = ProviderDefinition.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      map.report.fault(map.path(of: "kind"), "is missing; write one of \(kinds)", line: map.line)
    }
    let baseURL = map.text("base_url")
    if let baseURL, let fault = BaseURL.fault(in: baseURL, plainHTTPHosts: plainHTTPHosts) {
      map.fault("base_url", fault)
    }
    let variable = map.text("api_key_env")
    if let variable, !isVariableName(variable) {
      map.fault("api_key_env", "must be the name of an environment variable, never the key itself")
    }
    let file = map.text("api_key_file")
    if variable != nil, file != nil { map.fault("api_key_file", "and api_key_env exclude each other; keep one") }
    func time(_ key: String) -> Duration? {
      guard let text = map.text(key) else { return nil }
      if let duration = duration(text), duration <= longestTimeout { return duration }
      map.fault(key, "must be a duration from 1ms to 25m, like 60s, 2m or 500ms")
      return nil
    }
    let timeout = time("timeout")
    let command = map.texts("command", "must be a list: the program, then its arguments")
    let isolation: ProviderDefinition.Isolation = map.choice("isolation") ?? .shared
    guard let kind else { return nil }

    switch kind {
    case .local:
      if command?.isEmpty ?? !map.has("command") {
        map.report.fault(
          map.path(of: "command"), "is missing; kind local needs the program to start, as a list", line: map.line)
      }
      warn(map, ["base_url", "api_key_env", "api_key_file"], kind)
    case .espeak, .card, .ffmpeg, .echo:
      warn(map, ["base_url", "api_key_env", "api_key_file", "command", "isolation", "limits", "idle_stop"], kind)
    case .openai, .anthropic, .elevenlabs, .huggingface:
      warn(map, ["command", "isolation", "limits", "idle_stop"], kind)
      if variable == nil, file == nil, baseURL == nil {
        map.report.warn(map.path, "names no key; set api_key_env or api_key_file", line: map.line)
      }
    }
    var definition = ProviderDefinition(
      name: name, kind: kind, baseURL: baseURL, apiKeyVariable: variable, apiKeyFile: file,
      timeout: timeout ?? .seconds(60), command: command ?? [], isolation: isolation,
      firstTokenTimeout: time("first_token_timeout") ?? .seconds(15),
      idleTimeout: time("idle_timeout") ?? .seconds(10),
      limits: map.map("limits").map(readLimits) ?? ProcessLimits(), idleStop: time("idle_stop") ?? .seconds(600))
    definition.timeouts = map.map("timeouts").map(readTimeouts) ?? [:]
    return definition
  }

  private static func readTimeouts(_ map: ConfigMap) -> [TaskType: Duration] {
    defer { map.warnUnknown() }
    var timeouts: [TaskType: Duration] = [:]
    for task in TaskType.allCases {
      guard let text = map.text(task.rawValue) else { continue }
      if let duration = duration(text), duration <= longestTimeout {
        timeouts[task] = duration
      } else {
        map.fault(task.rawValue, "must be a duration from 1ms to 25m, like 60s, 2m or 500ms")
      }
    }
    return timeouts
  }

  private static func readLimits(_ map: ConfigMap) -> ProcessLimits {
    defer { map.warnUnknown() }
    return ProcessLimits(
      memoryMegabytes: map.whole("memory_mb", atLeast: 1), processors: map.whole("processors", atLeast: 1),
      processes: map.whole("processes", atLeast: 1), files: map.whole("files", atLeast: 8))
  }

  private static func warn(_ map: ConfigMap, _ keys: [String], _ kind: ProviderDefinition.Kind) {
    for key in keys where map.has(key) { map.warn(key, "has no effect for kind \(kind.rawValue)") }
  }

  static func isVariableName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
  }

  /// Reads `500ms`, `60s`, `2m`, `1h`; whole and above zero.
  static func duration(_ text: String) -> Duration? {
    let digits = text.prefix { ("0"..."9").contains($0) }
    guard let amount = Int64(digits), (1...1_000_000_000).contains(amount) else { return nil }
    switch text.dropFirst(digits.count) {
    case "ms": return .milliseconds(amount)
    case "s": return .seconds(amount)
    case "m": return .seconds(amount * 60)
    case "h": return .seconds(amount * 3600)
    default: return nil
    }
  }
}
