import Contracts
import Crypto
package import Operations

/// Letters that probably have one cause: the same reason, the same task, and the same complaint but for its figures.
package struct LetterGroup: Sendable {
  let reason: String
  let task: String?
  /// The complaint, with `#` for what differs from job to job.
  let shape: String
  /// Names the group in forms: of letters and digits only, because forms trim and change what texts hold.
  let key: String
  private(set) var count = 0
  private(set) var first: String?
  private(set) var last: String?
  private var users: Set<String> = []

  var userCount: Int { users.count }
  var isReplayable: Bool { EndCode(rawValue: reason).map { $0.isReplayable || $0.resting == .blocked } ?? false }

  private init(_ letter: LetterRow) {
    reason = letter.reason
    task = letter.task
    shape = Self.shape(of: letter.detail)
    key = Self.key(of: letter)
  }

  /// The group that a letter belongs to, as forms name it.
  package static func key(of letter: LetterRow) -> String {
    let cause = [letter.reason, letter.task ?? "", shape(of: letter.detail)].joined(separator: "|")
    return Identifier.hex(bytes: Array(SHA256.hash(data: Array(cause.utf8)).prefix(16)))
  }

  /// The largest first.
  static func all(of letters: [LetterRow]) -> [LetterGroup] {
    var groups: [String: LetterGroup] = [:]
    for letter in letters { groups[key(of: letter), default: LetterGroup(letter)].count(letter) }
    return groups.values.sorted { ($1.count, $0.key) < ($0.count, $1.key) }
  }

  private mutating func count(_ letter: LetterRow) {
    count += 1
    if let user = letter.user { users.insert(user) }
    guard let seen = letter.firstSeen else { return }
    first = min(first ?? seen, seen)
    last = max(last ?? seen, seen)
  }

  /// Words with a digit become `#`, but for numbers of three digits, which are statuses of HTTP. At most 120
  /// characters.
  static func shape(of detail: String) -> String {
    let words = String(detail.prefix(400)).split(whereSeparator: \.isWhitespace).map { word -> String in
      let core = word.trimming { !$0.isLetter && !$0.isNumber }
      guard core.contains(where: \.isNumber) else { return String(word) }
      let isStatus = core.count == 3 && core.allSatisfy(\.isNumber)
      return isStatus ? String(word) : String(word).replacing(core, with: "#")
    }
    return String(words.joined(separator: " ").prefix(120))
  }
}

extension Substring {
  fileprivate func trimming(_ isOuter: (Character) -> Bool) -> Substring {
    var core = self
    while let first = core.first, isOuter(first) { core.removeFirst() }
    while let last = core.last, isOuter(last) { core.removeLast() }
    return core
  }
}
