import Billing
import Contracts
import Foundation
import Hummingbird

/// What a changing request of an administrator says: why, and what the act needs. A member that is not known is refused:
/// it may have been meant to limit what happens.
struct AdminBody: Sendable {
  static let longestReason = 512
  static let mostIDs = 1000

  let reason: String
  private let root: JSONValue

  /// - Parameter members: besides `reason`.
  init(_ request: Request, members: Set<String> = []) async throws {
    root = try await PolicyResolver.message(of: request, missing: Self.noReason).root
    try Self.check(root, members.union(["reason"]), of: nil)
    let reason = root["reason"]?.string?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
    guard (1...Self.longestReason).contains(reason.utf8.count) else {
      throw Self.noReason
    }
    self.reason = reason
  }

  /// `state` of a switch.
  var isOn: Bool {
    get throws {
      switch root["state"]?.string {
      case "on": true
      case "off": false
      default: throw Self.fault("state", "must be on or off")
      }
    }
  }

  var ids: Set<String> {
    get throws {
      let ids = root["ids"]?.elements.compactMap(\.string) ?? []
      guard (1...Self.mostIDs).contains(ids.count), ids.count == root["ids"]?.elements.count,
        ids.allSatisfy(Identifier.isValid)
      else { throw Self.fault("ids", "must be an array of 1 to \(Self.mostIDs) ids") }
      return Set(ids)
    }
  }

  /// Nil leaves it to messages and default.
  var tier: String? {
    get throws {
      guard let tier = root["tier"], !tier.isNull else { return nil }
      guard let name = tier.string, Identifier.isValid(name) else { throw Self.fault("tier", "must be a tier or null") }
      return name
    }
  }

  var overrides: UserOverrides {
    get throws {
      guard let overrides = root["overrides"], !overrides.isNull else { return .none }
      guard overrides.isObject else { throw Self.fault("overrides", "must be an object") }
      try Self.check(
        overrides, ["concurrency", "monthlyUsd", "hardStop", "quotas", "rateLimit"], of: "overrides")
      if let quotas = overrides["quotas"] {
        try Self.check(quotas, ["tokens", "audio_seconds", "video_minutes", "jobs"], of: "overrides.quotas")
      }
      if let rate = overrides["rateLimit"] { try Self.check(rate, ["rpm", "rps", "burst"], of: "overrides.rateLimit") }
      do {
        return try JSONDecoder().decode(UserOverrides.self, from: Data(overrides.raw))
      } catch {
        throw Self.fault("overrides", "a member is of the wrong kind; whole numbers, and monthlyUsd as a decimal text")
      }
    }
  }

  private static func check(_ object: JSONValue, _ known: Set<String>, of name: String?) throws {
    for (key, _) in object.members where !known.contains(key) {
      let all = known.sorted().joined(separator: ", ")
      throw Problem(.invalidMessage, "\(name ?? "the body") may have \(all), and nothing else", member: name)
    }
  }

  private static var noReason: Problem {
    fault("reason", "say why, in 1 to \(longestReason) bytes, in a JSON object as the body")
  }

  private static func fault(_ member: String, _ detail: String) -> Problem {
    Problem(.invalidMessage, "\(member): \(detail)", member: member)
  }
}
