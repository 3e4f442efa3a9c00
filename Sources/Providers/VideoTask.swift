import Contracts

/// What a server says of a film that it makes: `{"id", "status", "seconds", "error", ...}`. Pure.
struct VideoTask: Sendable, Hashable {
  enum State: Sendable, Hashable {
    case running
    case completed
    case failed
    /// Failed because of what it was to show.
    case refused
  }

  /// Fit to be a part of an address.
  var id: String
  var state: State
  var seconds: ExactDecimal?
  var model: String?

  /// Nil for what is none.
  init?(_ body: [UInt8]) {
    let root: JSONValue
    do {
      root = try JSONParser.parse(body).root
    } catch {
      return nil
    }
    guard let id = root["id"]?.string, Self.isAddressable(id), let status = root["status"]?.string else { return nil }
    self.id = id
    switch status {
    case "completed", "succeeded": state = .completed
    case "failed", "cancelled", "canceled", "expired":
      state = OpenAIFault.codes(of: root["error"]).isDisjoint(with: OpenAIFault.refusalCodes) ? .failed : .refused
    default: state = .running
    }
    let stated = root["seconds"]?.decimal ?? root["seconds"]?.string.flatMap { ExactDecimal($0) }
    seconds = stated.flatMap { $0.mantissa > 0 && $0.rounded(toDecimals: 0) <= 86_400 ? $0 : nil }
    model = root["model"]?.string
  }

  /// Whether an id leads to nothing but itself when it stands in a path.
  static func isAddressable(_ id: String) -> Bool { Identifier.isValid(id) && id != "." && id != ".." }

  /// What a completed one is charged by.
  var usage: [Usage] {
    guard state == .completed, let seconds else { return [] }
    return [Usage(.videoSeconds, seconds, .provider)]
  }
}
