import Contracts
import Foundation
import Lanes

/// Letters that somebody chose to replay or to release, as they were read at one moment. It waits in Redis for ten minutes,
/// is carried out once, by who made it, and touches nothing that came later. It is used up as its first letter goes out:
/// where nothing was done, it can be confirmed again.
struct ConsolePlan: Sendable, Codable {
  static let lifetime: Duration = .seconds(600)
  /// Letters of one plan.
  static let most = 1000

  enum Kind: String, Sendable, Codable {
    case dead, blocked

    var box: LetterBox.Kind { self == .dead ? .dead : .blocked }
  }

  let kind: Kind
  let letters: [Letter.Key]
  /// Whose jobs they are, counted.
  let users: Int
  /// Whether more were meant than a plan holds.
  let isPart: Bool
  let madeBy: String
  /// Milliseconds since 1970.
  let madeAt: Int64

  init(_ kind: Kind, _ chosen: [Letter], by actor: String, at time: Timestamp) {
    let letters = chosen.prefix(Self.most)
    self.kind = kind
    self.letters = letters.map(\.key)
    users = Set(letters.compactMap(\.userID)).count
    isPart = chosen.count > letters.count
    madeBy = actor
    madeAt = time.milliseconds
  }

  var made: Timestamp { Timestamp(milliseconds: madeAt) }
  var ends: Timestamp { Timestamp(milliseconds: madeAt + Self.lifetime.milliseconds) }

  func encoded() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }

  init(decoding bytes: [UInt8]) throws { self = try JSONDecoder().decode(ConsolePlan.self, from: Data(bytes)) }
}
