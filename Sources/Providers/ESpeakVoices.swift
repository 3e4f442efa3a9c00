/// The voices an installed espeak-ng has, and which of them serves a wish. Names it does not know are never passed on:
/// version 1.51 crashes on some of them, and a job that falls back from another speech provider names that one's voice.
struct ESpeakVoices: Sendable, Hashable {
  /// Language tags in lower case: `en`, `en-us`, `de`, ...
  let languages: Set<String>

  static let fallback = "en-us"

  /// Reads the table of `espeak-ng --voices`: a heading, then priority, language, gender, name, file, ...
  init(listing: [UInt8]) {
    languages = Set(
      String(decoding: listing, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
        let columns = line.split(separator: " ", omittingEmptySubsequences: true)
        return columns.count >= 4 ? columns[1].lowercased() : nil
      })
  }

  /// Whether a voice may be named so at all.
  static func isAcceptable(_ voice: String) -> Bool {
    (1...64).contains(voice.utf8.count)
      && voice.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }

  /// A language with its variant (`en-us+f3`) as it is; else the longest leading part that is a language, so that
  /// `de_DE-thorsten-high` is spoken in German; else American English.
  func voice(for wish: String?) -> String {
    guard let wish else { return Self.fallback }
    let halves = wish.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    var parts = halves[0].lowercased().replacing("_", with: "-").split(separator: "-")
    let whole = parts.count
    while !parts.isEmpty {
      let language = parts.joined(separator: "-")
      if languages.contains(language) {
        let variant = parts.count == whole && halves.count == 2 && !halves[1].isEmpty ? "+\(halves[1])" : ""
        return language + variant
      }
      parts.removeLast()
    }
    return Self.fallback
  }
}
