import Contracts

/// One mapping of a configuration file while it is read. Every accessor answers nil for what is absent (or `null`) and
/// for what is wrong; the wrong is in the report, with its path. Remembers which keys were asked for, so that
/// `warnUnknown` can name the others. Stays on the thread that reads.
final class ConfigMap {
  let path: String
  let line: Int?
  let report: FileReport
  private let members: [ConfigNode.Member]
  private var asked: Set<String> = []

  private init(path: String, line: Int?, members: [ConfigNode.Member], report: FileReport) {
    self.path = path
    self.line = line
    self.members = members
    self.report = report
  }

  /// The root of a file; nil, with a fault, when the file is no mapping.
  static func root(_ node: ConfigNode, report: FileReport) -> ConfigMap? { map(node, path: "", report: report) }

  private static func map(_ node: ConfigNode, path: String, report: FileReport) -> ConfigMap? {
    guard case .map(let members) = node.content else {
      report.fault(path, "must be a mapping (`name: value`)", line: node.line)
      return nil
    }
    return ConfigMap(path: path, line: node.line, members: members, report: report)
  }

  /// The keys in the order of the file, without those that are `null`.
  var keys: [String] {
    members.compactMap { member in
      if case .null = member.node.content { return nil }
      return member.key
    }
  }

  func path(of key: String) -> String {
    let plain = key.unicodeScalars.allSatisfy { (0x20..<0x7F).contains($0.value) }
    let shown = plain ? String(key.prefix(64)) : "(key with special characters)"
    return path.isEmpty ? shown : "\(path).\(shown)"
  }

  func line(of key: String) -> Int? { members.first { $0.key == key }?.node.line ?? line }

  func fault(_ key: String, _ message: String) { report.fault(path(of: key), message, line: line(of: key)) }
  func warn(_ key: String, _ message: String) { report.warn(path(of: key), message, line: line(of: key)) }

  func warnUnknown() {
    for key in keys where !asked.contains(key) { warn(key, "is not known and has no effect") }
  }

  private func node(_ key: String) -> ConfigNode? {
    asked.insert(key)
    guard let node = members.first(where: { $0.key == key })?.node else { return nil }
    if case .null = node.content { return nil }
    return node
  }

  func has(_ key: String) -> Bool { node(key) != nil }

  /// Text that is not empty.
  func text(_ key: String, _ expectation: String = "must be a text that is not empty") -> String? {
    guard let node = node(key) else { return nil }
    guard case .scalar(let text) = node.content, !text.isEmpty else {
      fault(key, expectation)
      return nil
    }
    return text
  }

  /// - Parameter fix: what to write when it is missing.
  func requiredText(_ key: String, fix: String) -> String? {
    guard has(key) else {
      report.fault(path(of: key), "is missing; \(fix)", line: line)
      return nil
    }
    return text(key)
  }

  func whole(_ key: String, atLeast minimum: Int) -> Int? {
    let expectation = "must be a whole number of \(minimum) or more"
    guard let text = text(key, expectation) else { return nil }
    guard let value = Int(text), (minimum...1_000_000_000_000).contains(value) else {
      fault(key, expectation)
      return nil
    }
    return value
  }

  func flag(_ key: String, default standard: Bool) -> Bool {
    guard let text = text(key, "must be true or false") else { return standard }
    switch text {
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    default:
      fault(key, "must be true or false")
      return standard
    }
  }

  func choice<Choice: RawRepresentable<String> & CaseIterable>(_ key: String) -> Choice? {
    let expectation = "must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))"
    guard let text = text(key, expectation) else { return nil }
    guard let value = Choice(rawValue: text) else {
      fault(key, expectation)
      return nil
    }
    return value
  }

  /// A decimal number, exactly as written.
  func decimal(_ key: String) -> ExactDecimal? {
    let expectation = "must be a decimal number of 0 or more, like \"0.15\""
    guard let text = text(key, expectation) else { return nil }
    guard let value = ExactDecimal(text), value.mantissa >= 0 else {
      fault(key, expectation)
      return nil
    }
    return value
  }

  func map(_ key: String) -> ConfigMap? {
    node(key).flatMap { Self.map($0, path: path(of: key), report: report) }
  }

  /// A list of mappings.
  /// - Parameter alone: whether a single mapping may stand in place of a list of one.
  func maps(_ key: String, alone: Bool = false) -> [ConfigMap] {
    guard let node = node(key) else { return [] }
    switch node.content {
    case .list(let nodes):
      return nodes.enumerated().compactMap { index, node in
        Self.map(node, path: "\(path(of: key))[\(index)]", report: report)
      }
    case .map where alone:
      return map(key).map { [$0] } ?? []
    default:
      fault(key, alone ? "must be a mapping or a list of mappings" : "must be a list of mappings")
      return []
    }
  }

  /// A list of texts that are not empty; nil when absent or faulty.
  func texts(_ key: String, _ expectation: String) -> [String]? {
    guard let node = node(key) else { return nil }
    guard case .list(let nodes) = node.content else {
      fault(key, expectation)
      return nil
    }
    var texts: [String] = []
    for node in nodes {
      guard case .scalar(let text) = node.content, !text.isEmpty else {
        fault(key, expectation)
        return nil
      }
      texts.append(text)
    }
    return texts
  }
}
