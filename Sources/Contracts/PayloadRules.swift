/// What the payload of each task type must look like. Answers the first fault as `member: what it must be`, or nil.
/// Unknown members are kept and not looked at.
enum PayloadRules {
  /// What an echo job may pretend to have used; the ledger refuses more.
  private static let largestUsage: Int128 = 1_000_000_000_000

  static func fault(in payload: JSONValue, of task: TaskType) -> String? {
    for (name, rule) in rules(of: task) {
      let value = payload[name].flatMap { $0.isNull ? nil : $0 }
      if let expectation = rule.broken(by: value) { return "\(name): \(expectation)" }
    }
    if task == .llm, payload["messages"].map(\.isNull) ?? true, payload["prompt"].map(\.isNull) ?? true {
      return "messages: messages or prompt is required"
    }
    return nil
  }

  private enum Rule {
    case requiredText, text, number(ClosedRange<Double>), whole(ClosedRange<Int>)
    case messages, input, objects, usage

    func broken(by value: JSONValue?) -> String? {
      switch self {
      case .requiredText:
        return value?.string.map { !$0.isEmpty } == true ? nil : "must be a string that is not empty"
      case .text:
        return value == nil || value?.isString == true ? nil : "must be a string"
      case .number(let range):
        guard let value else { return nil }
        return value.double.map(range.contains) == true
          ? nil : "must be a number from \(range.lowerBound) to \(range.upperBound)"
      case .whole(let range):
        guard let value else { return nil }
        return value.integer.map(range.contains) == true
          ? nil : "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
      case .messages:
        guard let value else { return nil }
        let elements = value.elements
        let good = !elements.isEmpty && elements.allSatisfy { $0["role"]?.isString == true && $0["content"] != nil }
        return good ? nil : "must be an array of objects with role and content"
      case .input:
        guard let value else { return "is required" }
        if value.isString { return nil }
        let elements = value.elements
        return !elements.isEmpty && elements.allSatisfy(\.isString) ? nil : "must be a string or an array of strings"
      case .objects:
        guard let value else { return nil }
        return value.isArray && value.elements.allSatisfy(\.isObject) ? nil : "must be an array of objects"
      case .usage:
        guard let value else { return nil }
        let good =
          value.isObject
          && value.members.allSatisfy { name, quantity in
            Usage.Unit(rawValue: name) != nil
              && quantity.decimal.map { $0.mantissa >= 0 && $0.rounded(toDecimals: 0) <= largestUsage } == true
          }
        return good ? nil : "must be an object of unit and quantity"
      }
    }
  }

  private static func rules(of task: TaskType) -> [(String, Rule)] {
    switch task {
    case .tts: [("text", .requiredText), ("voice", .text), ("format", .text), ("speed", .number(0.25...4))]
    case .llm:
      [
        ("messages", .messages), ("prompt", .text), ("maxTokens", .whole(1...1_000_000)),
        ("temperature", .number(0...2)),
      ]
    case .image: [("prompt", .requiredText), ("size", .text), ("quality", .text), ("n", .whole(1...10))]
    case .video: [("prompt", .text), ("scenes", .objects), ("seconds", .number(0...3600)), ("size", .text)]
    case .embedding: [("input", .input)]
    case .echo: [("sleepMs", .whole(0...1_500_000)), ("fail", .text), ("usage", .usage)]
    }
  }
}
