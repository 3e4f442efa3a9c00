import Contracts

/// A result event as a command shows it. Nil for bytes that are none.
struct JobResult {
  let raw: [UInt8]
  let jobID: String
  let status: RunStatus
  let cost: Money
  private let root: JSONValue

  init?(_ bytes: [UInt8]) {
    let root: JSONValue
    do { root = try JSONParser.parse(bytes).root } catch { return nil }
    guard let jobID = root["jobId"]?.string, let status = root["status"]?.string.flatMap({ RunStatus(rawValue: $0) })
    else { return nil }
    raw = bytes
    self.root = root
    self.jobID = jobID
    self.status = status
    cost = root["cost"]?["amount"]?.string.flatMap { Money($0) } ?? .zero
  }

  /// The event without line ends, as it came.
  var json: String { String(decoding: raw, as: UTF8.self) }

  var facts: Facts {
    var facts = Facts()
    facts.add("job", jobID)
    facts.add("status", status.rawValue, status == .succeeded ? .green : .red)
    if let error = root["error"], let code = error["code"]?.string {
      facts.add("error", "\(code): \(error["message"]?.string ?? "")")
    }
    let model = ["provider", "model", "modelVersion"].compactMap { root[$0]?.string }
    if !model.isEmpty { facts.add("provider", model.joined(separator: " ")) }
    for artifact in artifacts { facts.add("artifact", artifact) }
    facts.add("text", root["output"]?["text"]?.string)
    if let vectors = root["output"]?["vectors"], vectors.isArray {
      facts.add("vectors", "\(vectors.elements.count) of \(vectors.elements.first?.elements.count ?? 0) numbers")
    }
    if let usage { facts.add("usage", usage) }
    facts.add("cost", "\(cost.inTable) USD")
    if let took { facts.add("took", took) }
    return facts
  }

  private var artifacts: [String] {
    let output = root["output"]
    let found = (output?["artifacts"]?.elements ?? []) + [output?["artifact"]].compactMap { $0 }
    return found.compactMap { artifact in
      guard let path = artifact["path"]?.string else { return nil }
      return "\(path) (\(artifact["mediaType"]?.string ?? "unknown"), \(artifact["bytes"]?.integer ?? 0) bytes)"
    }
  }

  private var usage: String? {
    let entries = (root["usage"]?.elements ?? []).compactMap { entry in
      entry["quantity"]?.string.flatMap { quantity in entry["unit"]?.string.map { "\(quantity) \($0)" } }
    }
    return entries.isEmpty ? nil : entries.joined(separator: ", ")
  }

  private var took: String? {
    func time(_ name: String) -> Timestamp? { root[name]?.string.flatMap { Timestamp($0) } }
    guard let finished = time("finishedAt"), let began = time("startedAt") ?? time("queuedAt") else { return nil }
    return "\(finished.milliseconds - began.milliseconds) ms"
  }
}
