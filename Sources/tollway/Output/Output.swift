import Foundation

/// Standard output: results only. What is said beside them goes to standard error.
enum Output {
  static func line(_ text: String) { print(text) }

  /// To be called where more comes later: a pipe would keep lines back.
  static func flush() { fflush(nil) }

  /// One document, indented, members in the order of the alphabet.
  static func json(_ value: some Encodable) throws { try write(value, [.prettyPrinted]) }

  /// One document on one line, for streams.
  static func jsonLine(_ value: some Encodable) throws { try write(value, []) }

  private static func write(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    line(String(decoding: try encoder.encode(value), as: UTF8.self))
  }
}
