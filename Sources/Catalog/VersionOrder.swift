/// Which of a model's listed versions is newer. Where all of them are semantic versions, by their precedence (semver.org
/// 2.0.0, section 11); where all are days (`2025-08-07`, `20250807`), by the day; else by their place in the policy file,
/// the later the newer. Pure.
package struct VersionOrder: Sendable {
  private enum Scheme { case semantic, daily, listed }

  private let listings: [ModelListing]
  private let scheme: Scheme

  /// - Parameter listings: of one model, in the order of the file.
  package init(_ listings: [ModelListing]) {
    self.listings = listings
    if listings.allSatisfy({ Semantic($0.version) != nil }) {
      scheme = .semantic
    } else {
      scheme = listings.allSatisfy { Self.day($0.version) != nil } ? .daily : .listed
    }
  }

  /// Nil only where nothing is listed.
  package var newest: ModelListing? {
    listings.enumerated().max { left, right in
      switch scheme {
      case .semantic:
        guard let one = Semantic(left.element.version), let other = Semantic(right.element.version) else {
          return false
        }
        return one < other
      case .daily: return (Self.day(left.element.version) ?? 0) < (Self.day(right.element.version) ?? 0)
      case .listed: return left.offset < right.offset
      }
    }?.element
  }

  /// The newest version that changes nothing but details: of the anchor's major version; of days, which have none, the
  /// newest; where nobody can know, the anchor itself. Nil where there is no such listing.
  package func newest(minorOf anchor: String?) -> ModelListing? {
    switch scheme {
    case .semantic:
      guard let major = Semantic(anchor)?.major else { return nil }
      return VersionOrder(listings.filter { Semantic($0.version)?.major == major }).newest
    case .daily: return newest
    case .listed: return listings.first { $0.version == anchor }
    }
  }

  /// Whether a version is of the anchor's major version, as far as the two say.
  package static func isMinor(_ version: String, of anchor: String?) -> Bool {
    guard let one = Semantic(version), let other = Semantic(anchor) else { return true }
    return one.major == other.major
  }

  private static func day(_ text: String?) -> Int? {
    guard let text else { return nil }
    let digits = text.utf8.filter { $0 != UInt8(ascii: "-") }
    guard digits.count == 8, text.utf8.count == 8 || text.utf8.count == 10,
      let day = Int(String(decoding: digits, as: UTF8.self)), (19_000_101...99_991_231).contains(day)
    else { return nil }
    return day
  }
}

/// A semantic version; a `v` in front and missing minor or patch numbers are forgiven.
private struct Semantic: Comparable {
  let major: Int
  private let minor: Int
  private let patch: Int
  private let prerelease: [String]

  init?(_ text: String?) {
    guard var rest = text.map({ Substring($0) }), rest.utf8.count <= 64 else { return nil }
    if rest.first == "v" { rest = rest.dropFirst() }
    rest = rest.prefix { $0 != "+" }
    let parts = rest.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    let numbers = parts[0].split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...3).contains(numbers.count), numbers.allSatisfy({ ($0 ?? -1) >= 0 && ($0 ?? 0) < 1_000_000 }),
      let major = numbers[0]
    else { return nil }
    self.major = major
    minor = numbers.count > 1 ? numbers[1] ?? 0 : 0
    patch = numbers.count > 2 ? numbers[2] ?? 0 : 0
    prerelease = parts.count > 1 ? parts[1].split(separator: ".").map(String.init) : []
  }

  static func < (left: Semantic, right: Semantic) -> Bool {
    let numbers = [(left.major, right.major), (left.minor, right.minor), (left.patch, right.patch)]
    if let (one, other) = numbers.first(where: { $0 != $1 }) { return one < other }
    if left.prerelease.isEmpty || right.prerelease.isEmpty {
      return !left.prerelease.isEmpty && right.prerelease.isEmpty
    }
    for (one, other) in zip(left.prerelease, right.prerelease) where one != other {
      switch (Int(one), Int(other)) {
      case (let one?, let other?): return one < other
      case (.some, nil): return true
      case (nil, .some): return false
      case (nil, nil): return one < other
      }
    }
    return left.prerelease.count < right.prerelease.count
  }
}
